import { Command } from 'commander';
import { commandText, integer, names } from '@controllab/command-line';
import { PEER_IDS, type PeerId } from './peers.ts';

export interface BenchOptions {
  /** Timed runs of each case after one that is not timed. */
  rounds: number;
  peers?: PeerId[];
  quick: boolean;
}

/** `bench mini-sd`: the U-Net of the embedded default. */
export function command(): Command {
  return new Command('bench mini-sd')
    .description(
      'Times the U-Net of the embedded default: a training step as its recipe takes it, one of ControlNet as the ablation takes it, a prediction for sixteen pictures with guidance, and drawing those pictures; beside PyTorch and diffusers, eager, compiled and in OpenVINO, where Python has them, and beside this machine’s own matrix product and convolution. One JSON document on stdout, progress on stderr.',
    )
    .option('--rounds <integer>', 'timed runs of each case after one that is not timed', integer(1), 5)
    .option('--peers <names>', `which of ${PEER_IDS.join(', ')}, or none (all; with --quick all but compile)`, names(PEER_IDS, 'none'))
    .option('--quick', 'batches of 2: shows that both compute the same, measures nothing', false)
    .action(async (options: BenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runBench } = await import('./run-bench.ts');
      await runBench(options, commandText(self));
    });
}
