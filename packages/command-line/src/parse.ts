import { CommanderError, type Command } from 'commander';
import { CommandLineError } from './errors.ts';
import { shellText } from './shell-text.ts';

/** What each command that runs was given. */
const given = new WeakMap<Command, readonly string[]>();

/** What is said of a flag that a command does not have, behind its name; `nearest` is the question after those that are, or ''. */
type ExplainFlag = (flag: string, nearest: string) => string;
const explanations = new WeakMap<Command, ExplainFlag>();

/** Has a command say of an unknown flag what its user may mean, in place of the list of all that it has. @returns the command */
export function explainUnknown(command: Command, explain: ExplainFlag): Command {
  explanations.set(command, explain);
  return command;
}

/** The command line that a running command was started with, as one can type it again. */
export const commandText = (command: Command): string => shellText(['npx', ...command.name().split(' '), ...(given.get(command) ?? [])]);

const ask = (command: Command): Command =>
  command
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });

/** commander's complaint as one paragraph: the command, what is wrong, the nearest flag, and everything that is valid. */
function usageError(command: Command, thrown: CommanderError, argv: readonly string[]): CommandLineError {
  const error = firstCause(command, thrown, argv);
  const wrong = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const explain = explanations.get(command);
  const [, flag, nearest = ''] = /^unknown option '(--[^']+)' ?(\(.*\))?$/.exec(wrong) ?? [];
  if (explain !== undefined && flag !== undefined)
    return new CommandLineError(
      'invalid-option',
      `${command.name()}: unknown option '${flag}'${explain(flag, nearest)}`,
      { argv },
      { cause: error },
    );
  const operands = command.registeredArguments.map((operand) => operand.name());
  const commands = command.commands.map((one) => one.name());
  const options = command.options.filter((option) => !option.hidden).map((option) => option.long ?? option.short);
  const valid = [
    ...(operands.length === 0 ? [] : [`Arguments: ${operands.join(', ')}.`]),
    ...(commands.length === 0 ? [] : [`Commands: ${commands.join(', ')}.`]),
    ...(options.length === 0 ? [] : [`Options: ${options.join(', ')}.`]),
  ];
  return new CommandLineError(
    'invalid-option',
    [`${command.name()}: ${wrong}${/[.)]$/.test(wrong) ? '' : '.'}`, ...valid].join(' '),
    { argv },
    { cause: error },
  );
}

/** What commander says of arguments, with no flag required and nothing run. */
function complaintOf(command: Command, argv: readonly string[]): CommanderError | null {
  for (const option of command.options) option.mandatory = false;
  try {
    command.action(() => {}).parse(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error;
  }
  return null;
}

/**
 * What is wrong first of all. commander looks for missing flags before it looks at mistyped ones, and compares `--sede=2` with the flags
 * that there are as it stands.
 */
function firstCause(command: Command, thrown: CommanderError, argv: readonly string[]): CommanderError {
  const cause = (thrown.code === 'commander.missingMandatoryOptionValue' ? complaintOf(command, argv) : null) ?? thrown;
  const mistyped = /unknown option '(--[^=']+)=/.exec(cause.message)?.[1];
  return (mistyped === undefined ? null : complaintOf(command, [mistyped])) ?? cause;
}

/** Reads a command's flags and runs nothing. @throws CommandLineError invalid-option; CommanderError with exit code 0 after --help */
export function parseFlags<T extends object>(command: Command, argv: readonly string[]): T {
  try {
    ask(command).parse(argv, { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError && error.exitCode !== 0 ? usageError(command, error, argv) : error;
  }
  return command.opts<T>();
}

/** Runs a command. --help is an answer, not an error. @throws CommandLineError invalid-option; whatever its action throws */
export async function runCommand(command: Command, argv: readonly string[]): Promise<void> {
  given.set(command, argv);
  try {
    await ask(command).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(command, error, argv);
  }
}
