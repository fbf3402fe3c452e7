import type { Command } from 'commander';

/** nx's own flags that may stand behind a target, in camel case. */
const FLAGS = new Set(
  'agents batch cloud disableNxCache disableRemoteCache dte excludeTaskDependencies nxBail nxIgnoreCycles skipNxCache skipRemoteCache skipSync tui useAgents verbose'.split(
    ' ',
  ),
);
/** Those that take a value. */
const VALUED = new Set(['exclude', 'maxParallel', 'outputStyle', 'parallel', 'runner', 'tuiAutoExit']);

const camelCase = (flag: string): string => flag.replace(/^--(no-)?/, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/**
 * What was typed behind a target, without what nx takes for itself. A value of an option of ours stays what it is, and where nx and the
 * command have an option of the same name it is the command's.
 */
export function withoutNxOptions(command: Command, argv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const [flag, value] = word.startsWith('--') ? word.split('=', 2) : [word];
    const own = command.options.find(({ long, short }) => flag === long || flag === short);
    if (own !== undefined) {
      kept.push(word);
      if (own.required && value === undefined && i + 1 < argv.length) kept.push(argv[++i]!);
    } else if (word === '--') return [...kept, ...argv.slice(i)];
    else if (!word.startsWith('--')) kept.push(word);
    else if (VALUED.has(camelCase(flag!))) i += value === undefined ? 1 : 0;
    else if (!FLAGS.has(camelCase(flag!))) kept.push(word);
  }
  return kept;
}
