import type { TrainingResult } from '@controllab/training';
import type { Tier } from '@controllab/emoji-scenes';
import { Argument, Command } from 'commander';
import { parseInteger, tierOption } from './flags.ts';
import { tierFolder } from '../tier.ts';
import type { StageOptions } from '../pretrain/stage.ts';

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

const command = new Command('pretrain')
  .description('Trains one part of the embedded default and stores its weights; run again to continue an interrupted run.')
  .addArgument(new Argument('<stage>', 'which part').choices(Object.keys(stages)))
  .addOption(tierOption())
  .option('--seed <integer>', 'seed of initialisation and data order', parseInteger(0), 1)
  .parse();

const { tier, seed } = command.opts<{ tier: Tier; seed: number }>();
try {
  const result = await stages[command.processedArgs[0] as string]!({ directory: tierFolder('runs/mini-sd', tier), tier, seed });
  console.log(
    `${result.status} after step ${result.step}: ${result.timing.samplesPerSecond.toFixed(1)} samples/s, the engine waited ${(100 * result.timing.waitShare).toFixed(1)}% of the time`,
  );
  process.exitCode = result.status === 'finished' ? 0 : 130;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
