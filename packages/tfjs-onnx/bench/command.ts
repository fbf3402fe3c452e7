import { Command, Option } from 'commander';
import { commandText, integer, names, providerOption } from '@controllab/command-line';
import { providers, type Provider } from '../src/ops/definition.ts';
import { PEERS, type PeerId } from './peers/peer.ts';

export interface BenchOptions {
  /** Timed runs of each case after warm-up. */
  rounds?: number;
  only?: 'step' | 'forward';
  peers?: PeerId[];
  provider?: Provider;
  quick: boolean;
}

const IDS = PEERS.map(({ id }) => id);
const NONE = 'none';

/** `bench engine`: the engine beside other libraries. */
export function command(): Command {
  return new Command('bench engine')
    .description(
      'Times training steps and forward passes of two U-Nets, beside this machine’s best matrix product and convolution and, where they are installed, PyTorch eager and compiled, JAX, OpenVINO and TensorFlow.js, in turns; with --provider of a graphics card, PyTorch on CUDA alone. One JSON document on stdout, progress on stderr.',
    )
    .addOption(new Option('--rounds <integer>', 'timed runs of each case after warm-up (5; with --quick 2)').argParser(integer(1)))
    .addOption(new Option('--only <part>', 'training steps alone, or forward passes alone').choices(['step', 'forward']))
    .addOption(
      new Option('--peers <names>', `which of ${IDS.join(', ')}, or ${NONE} (all; with --quick ${NONE})`).argParser(names(IDS, NONE)),
    )
    .addOption(providerOption(providers))
    .option('--quick', 'a tiny network: shows that the bench works, measures nothing', false)
    .action(async (options: BenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runBench } = await import('./run-bench.ts');
      await runBench(options, commandText(self));
    });
}
