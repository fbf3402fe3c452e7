import { Command } from 'commander';
import { integer } from '@controllab/command-line';

export interface InceptionBenchOptions {
  rounds: number;
  /** Images a run. */
  batch: number;
}

/** `bench inception`: FID's network. */
export function command(): Command {
  return new Command('bench inception')
    .description(
      'Times FID’s Inception network on made-up weights and images, beside the same network in PyTorch eager where Python has it. One JSON document on stdout, progress on stderr.',
    )
    .option('--rounds <integer>', 'timed runs after one that is not timed', integer(1), 5)
    .option('--batch <images>', 'images a run', integer(1), 8)
    .action(async (options: InceptionBenchOptions) => {
      const { runInceptionBench } = await import('./run-inception.ts');
      await runInceptionBench(options);
    });
}
