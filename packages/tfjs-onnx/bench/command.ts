import { Command, Option } from 'commander';
import { commandText, integer } from '@controllab/command-line';

export interface BenchOptions {
  /** Timed runs of each case after warm-up. */
  rounds?: number;
  only?: 'step' | 'forward';
  quick: boolean;
}

/** `bench engine`: the engine beside this machine's matrix product and PyTorch. */
export function command(): Command {
  return new Command('bench engine')
    .description(
      'Times training steps and forward passes of two U-Nets, beside this machine’s own matrix product and, where it is installed, PyTorch eager. One JSON document on stdout, progress on stderr.',
    )
    .addOption(new Option('--rounds <integer>', 'timed runs of each case after warm-up (5; with --quick 2)').argParser(integer(1)))
    .addOption(new Option('--only <part>', 'training steps alone, or forward passes alone').choices(['step', 'forward']))
    .option('--quick', 'a tiny network without a peer: shows that the bench works, measures nothing', false)
    .action(async (options: BenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runBench } = await import('./run-bench.ts');
      await runBench(options, commandText(self));
    });
}
