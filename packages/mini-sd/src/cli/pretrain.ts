import path from 'node:path';
import { Argument, Command } from 'commander';
import { seed, workspaceRoot } from '@controllab/command-line';
import type { Tier } from '@controllab/emoji-scenes';
import type { TrainingResult } from '@controllab/training';
import { alone } from '../pretrain/alone.ts';
import type { StageOptions } from '../pretrain/stage.ts';
import { tierFolder } from '../tier.ts';
import { tierOption } from './tier-option.ts';

/** Loaded when its turn comes: a typing mistake is answered at once. */
const stages: Record<string, (options: StageOptions) => Promise<TrainingResult>> = {
  vae: async (options) => (await import('../pretrain/vae.ts')).pretrainVae(options),
  clip: async (options) => (await import('../pretrain/clip.ts')).pretrainClip('clip', options),
  'clip-judge': async (options) => (await import('../pretrain/clip.ts')).pretrainClip('clip-judge', options),
  inception: async (options) => (await import('../pretrain/inception.ts')).pretrainInception(options),
  segmenter: async (options) => (await import('../pretrain/segmenter.ts')).pretrainSegmenter(options),
  aesthetic: async (options) => (await import('../pretrain/aesthetic.ts')).pretrainAesthetic(options),
  unet: async (options) => (await import('../pretrain/unet.ts')).pretrainUNet(options),
  ...Object.fromEntries(
    (['twemoji', 'noto', 'fluent'] as const).map((style) => [
      `style-${style}`,
      async (options: StageOptions) => (await import('../pretrain/style.ts')).pretrainStyle(style, options),
    ]),
  ),
};

/** `mini pretrain`: trains a part of the embedded default. */
export function command(): Command {
  return new Command('mini pretrain')
    .description('Trains one part of the embedded default and stores its weights; run again to continue an interrupted run.')
    .addArgument(new Argument('<stage>', 'which part').choices(Object.keys(stages)))
    .addOption(tierOption())
    .option('--seed <integer>', 'seed of initialisation and data order', seed, 1)
    .action(async (stage: string, options: { tier: Tier; seed: number }) => {
      const directory = tierFolder(path.join(workspaceRoot, 'runs', 'mini-sd'), options.tier);
      const { status, step, timing } = await alone(path.join(directory, stage), () => stages[stage]!({ directory, ...options }));
      console.log(
        `${status} after step ${step}: ${timing.samplesPerSecond.toFixed(1)} samples/s, the engine waited ${(100 * timing.waitShare).toFixed(1)}% of the time`,
      );
      process.exitCode = status === 'finished' ? 0 : 130;
    });
}
