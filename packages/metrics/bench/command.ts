import { Command } from 'commander';
import { commandText, integer } from '@controllab/command-line';

export interface BenchOptions {
  /** Timed runs of each case after one that is not timed. */
  rounds: number;
  quick: boolean;
}

/** `bench metrics`: distances between sets of features. */
export function command(): Command {
  return new Command('bench metrics')
    .description(
      'Times the distances between sets of 2048-dimensional features, beside numpy and scipy where Python has them. One JSON document on stdout, progress on stderr.',
    )
    .option('--rounds <integer>', 'timed runs of each case after one that is not timed', integer(1), 3)
    .option('--quick', 'small sets without a peer: shows that the bench works, measures nothing', false)
    .action(async (options: BenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runBench } = await import('./run-bench.ts');
      await runBench(options, commandText(self));
    });
}
