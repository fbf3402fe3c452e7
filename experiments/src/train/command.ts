import type { Command } from 'commander';
import { commandText, userPath } from '@controllab/command-line';
import { applyConfigFile, configText } from './config-file.ts';
import { trainFlags, type TrainFlags } from './flags.ts';
import { trainSettings } from './settings.ts';

/** `train`: a control network on one's own images, on any base. */
export const command = (): Command =>
  trainFlags().action(async ({ config }: TrainFlags, self: Command) => {
    if (config !== undefined) applyConfigFile(self, userPath(config), config);
    const settings = trainSettings(self.opts<TrainFlags>());
    // Loaded after the flags are known to be right: a typing mistake is answered at once.
    const { train } = await import('./train.ts');
    await train(settings, { config: configText(self), command: commandText(self) });
  });
