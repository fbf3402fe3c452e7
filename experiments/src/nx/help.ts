import type { Command, Option } from 'commander';
import { COMPARISON, commands, openCommand, type CommandEntry } from '../commands.ts';

/** The name of a command's executor. */
const executorOf = ({ name, executor }: CommandEntry): string => executor ?? name.replace(' ', '-');

interface Property {
  description: string;
  type: string;
  'x-priority'?: 'important';
}

function propertyOf(option: Option): Property {
  const { description, mandatory, argChoices, defaultValue, defaultValueDescription } = option;
  const fallback = defaultValueDescription ?? (defaultValue === undefined || defaultValue === false ? null : String(defaultValue));
  const notes = [
    ...(argChoices === undefined ? [] : [`choices: ${argChoices.join(', ')}`]),
    ...(fallback === null || fallback === '' ? [] : [`default: ${fallback}`]),
  ];
  return {
    description: `${description}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`,
    type: mandatory ? 'required' : option.isBoolean() ? 'switch' : 'optional',
    ...(mandatory ? { 'x-priority': 'important' } : {}),
  };
}

/** nx's description of a command. Its properties carry their placeholders in their names, so that nx checks no value against them. */
function schemaOf(entry: CommandEntry, command: Command): object {
  const operands = command.registeredArguments.map(
    (one) => `${one.name()}: ${one.description}${one.argChoices ? ` (${one.argChoices.join(', ')})` : ''}.`,
  );
  return {
    $schema: 'https://json-schema.org/schema',
    type: 'object',
    description: [command.description(), ...operands].join(' '),
    examples: [{ command: `npx controllab ${[entry.name, entry.example].join(' ').trim()}`, description: '' }],
    properties: {
      command: { description: 'words of the program’s command', type: 'array', default: entry.name.split(' '), hidden: true },
      unparsed: { description: 'what follows the target', type: 'array', $default: { $source: 'unparsed' }, hidden: true },
      ...Object.fromEntries(
        command.options.filter(({ hidden }) => !hidden).map((option) => [option.flags.replace(/^--/, ''), propertyOf(option)]),
      ),
    },
    additionalProperties: true,
  };
}

/** What comparisons share: their flags, of which some lack `--conditions`, and profiles of their own. */
function comparisonSchema(entry: CommandEntry, command: Command): object {
  for (const option of command.options) if (option.long === '--profile') delete option.argChoices;
  const description =
    'Trains the arms of an experiment, draws, measures and judges its claims. npx controllab <experiment> --help names the profiles.';
  const schema = schemaOf(entry, command.description(description)) as { properties: Record<string, Property> };
  // The target's name is the command.
  delete schema.properties['command'];
  return schema;
}

/**
 * What `nx run <target> --help` shows, as the files of tools/nx by name: nx reads a target's help from JSON and runs nothing.
 * `npm run nx-help` writes them.
 */
export async function nxHelp(): Promise<Record<string, string>> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const files: Record<string, string> = {};
  const executors: Record<string, object> = {};
  for (const entry of commands) {
    const executor = executorOf(entry);
    if (executors[executor] !== undefined) continue;
    const shared = executor === COMPARISON;
    const command = await openCommand(entry);
    const description = shared ? 'a comparison of trainings' : entry.description;
    executors[executor] = { implementation: './executor.cjs', schema: `./help/${executor}.json`, description };
    files[`help/${executor}.json`] = json(shared ? comparisonSchema(entry, command) : schemaOf(entry, command));
  }
  files['executors.json'] = json({ executors });
  return files;
}
