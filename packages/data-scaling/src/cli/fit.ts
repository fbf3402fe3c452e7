import path from 'node:path';
import { Command, Option } from 'commander';
import { commandText, finite, integer, named, seed, workspaceRoot } from '@controllab/command-line';
import { DataScalingError } from '../errors.ts';

/** What was typed. */
export interface FitFlags {
  csv: string;
  params?: string;
  examples?: string;
  flops?: string;
  loss?: string;
  dropHighest: number;
  skipBadRows?: boolean;
  delta: number;
  leastSquares?: boolean;
  bootstrap: number;
  flopTolerance: number;
  seed: number;
  report: string;
  overwrite?: boolean;
}

/** Share of operations by which runs of one isoFLOP budget differ at most, where nobody says otherwise. */
export const FLOP_TOLERANCE = 0.1;

/** The command's name, description and options. */
export const fitOptions = (): Command =>
  new Command('fit')
    .description('Fits scaling laws to the runs of a CSV file: power laws, Kaplan, Chinchilla, isoFLOP parabolas, the compute frontier.')
    .requiredOption(
      '--csv <file>',
      'a run a row: its loss, and parameters, examples or tokens, operations, as far as they are known',
      named,
    )
    .option('--params <column>', 'the column of parameters, where its name is not N, params, model size or the like', named)
    .option('--examples <column>', 'the column of examples or tokens (D, tokens, examples, dataset size)', named)
    .option('--flops <column>', 'the column of operations (C, FLOPs, compute)', named)
    .option('--loss <column>', 'the column of losses (loss, val loss)', named)
    .option('--drop-highest <runs>', 'leave out the runs of the highest losses', integer(0), 0)
    .option('--skip-bad-rows', 'leave out rows that are no runs, and name them, instead of stopping', false)
    .addOption(
      new Option('--delta <number>', 'where Huber\u2019s loss of log loss turns linear')
        .argParser(finite(1e-12))
        .default(1e-3)
        .conflicts('leastSquares'),
    )
    .option('--least-squares', 'squares of log residuals in place of Huber\u2019s loss', false)
    .option('--bootstrap <resamples>', 'refits to runs drawn anew; 0: none', integer(0), 1000)
    .option(
      '--flop-tolerance <share>',
      'runs of one isoFLOP budget have at most this share more operations than its smallest',
      finite(0),
      FLOP_TOLERANCE,
    )
    .option('--seed <integer>', 'seed of the bootstrap', seed, 1)
    .addOption(
      new Option('--report <folder>', 'where the report goes')
        .default(path.join(workspaceRoot, 'reports', 'fit'), 'reports/fit')
        .argParser(named),
    )
    .option('--overwrite', 'write the report into a folder that holds other files too: only those of its names are replaced', false);

/**
 * The flags as they were read.
 * @param command that read them: it tells what was typed from what is a default
 * @throws DataScalingError invalid-option for a seed of nothing
 */
export function checkedFlags(flags: FitFlags, command: Command): FitFlags {
  if (flags.bootstrap === 0 && command.getOptionValueSource('seed') === 'cli')
    throw new DataScalingError('invalid-option', 'fit: --seed is that of the bootstrap, of which --bootstrap 0 makes none: leave it out.', {
      seed: flags.seed,
    });
  return flags;
}

/** `fit`: fits scaling laws to a table of runs and writes a report. */
export function command(): Command {
  return fitOptions().action(async (given: FitFlags, self: Command) => {
    const flags = checkedFlags(given, self);
    const [{ runFit }, { plainText }] = await Promise.all([import('./run-fit.ts'), import('@controllab/data')]);
    console.log(plainText(`report: ${await runFit(flags, commandText(self))}`));
  });
}
