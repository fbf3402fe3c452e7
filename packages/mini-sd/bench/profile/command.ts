import { Command, Option } from 'commander';
import { commandText, integer } from '@controllab/command-line';

/** What `bench profile` looks at: the networks of `bench engine`, and ControlNet on the embedded default. */
export const PROFILED = ['pixels-32', 'latents-16', 'controlnet'] as const;

export interface ProfileBenchOptions {
  only?: (typeof PROFILED)[number];
  /** Runs that are looked at. */
  rounds: number;
  quick: boolean;
  /** Where the JSON goes. */
  json?: string;
}

/** `bench profile`: where the time of a training step goes. */
export function command(): Command {
  return new Command('bench profile')
    .description(
      'Says where the time of a training step goes, from ONNX Runtime’s own profile: convolutions and matrix products by size, normalisation, elementwise, optimizer, layout, and what lies between the nodes; for the two U-Nets of `bench engine` and for ControlNet on the embedded default. Tables on stdout.',
    )
    .addOption(new Option('--only <case>', 'one case alone').choices(PROFILED))
    .option('--rounds <integer>', 'steps that are looked at, after two that are not', integer(1), 5)
    .option('--quick', 'a tiny network and batches of 2: shows that it works', false)
    .option('--json <file>', 'write the figures there as well')
    .action(async (options: ProfileBenchOptions, self: Command) => {
      // After the flags are known to be good: loading TensorFlow.js takes seconds.
      const { runProfiles } = await import('./run-profiles.ts');
      await runProfiles(options, commandText(self));
    });
}
