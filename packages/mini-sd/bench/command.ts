import { Command } from 'commander';
import { commandText, integer } from '@controllab/command-line';

export interface BenchOptions {
  /** Timed runs of each case after one that is not timed. */
  rounds: number;
  quick: boolean;
}

/** `bench mini-sd`: the U-Net of the embedded default. */
export function command(): Command {
  return new Command('bench mini-sd')
    .description(
      'Times the U-Net of the embedded default: a training step as its recipe takes it, a prediction for sixteen pictures with guidance, and drawing those pictures; beside PyTorch eager where Python has it, and beside this machine’s own matrix product. One JSON document on stdout, progress on stderr.',
    )
    .option('--rounds <integer>', 'timed runs of each case after one that is not timed', integer(1), 5)
    .option('--quick', 'batches of 2: shows that both compute the same, measures nothing', false)
    .action(async (options: BenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runBench } = await import('./run-bench.ts');
      await runBench(options, commandText(self));
    });
}
