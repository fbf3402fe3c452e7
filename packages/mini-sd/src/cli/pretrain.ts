import type { TrainingResult } from '@controllab/training';
import { Command, InvalidArgumentError } from 'commander';
import { pretrainClassifier } from '../pretrain/classifier.ts';
import { pretrainClip } from '../pretrain/clip.ts';
import { pretrainInception } from '../pretrain/inception.ts';
import { pretrainSegmenter } from '../pretrain/segmenter.ts';
import type { StageOptions } from '../pretrain/stage.ts';
import { pretrainUNet } from '../pretrain/unet.ts';
import { pretrainVae } from '../pretrain/vae.ts';

const stages: Record<string, (options: StageOptions) => Promise<TrainingResult>> = {
  vae: pretrainVae,
  clip: (options) => pretrainClip('clip', options),
  'clip-judge': (options) => pretrainClip('clip-judge', options),
  inception: pretrainInception,
  segmenter: pretrainSegmenter,
  unet: pretrainUNet,
  classifier: pretrainClassifier,
};

const stageOf = (name: string): string => {
  if (!Object.hasOwn(stages, name)) throw new InvalidArgumentError(`Stages: ${Object.keys(stages).join(', ')}.`);
  return name;
};
const seedOf = (text: string): number => {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0) throw new InvalidArgumentError('Expected a non-negative integer.');
  return seed;
};

const command = new Command('pretrain')
  .description('Trains one part of the embedded default and stores its weights; run again to continue an interrupted run.')
  .argument('<stage>', `one of ${Object.keys(stages).join(', ')}`, stageOf)
  .option('--seed <integer>', 'seed of initialisation and data order', seedOf, 1)
  .parse();

try {
  const result = await stages[command.processedArgs[0] as string]!({ directory: 'runs/mini-sd', seed: command.opts<{ seed: number }>().seed });
  console.log(`${result.status} after step ${result.step}: ${result.timing.samplesPerSecond.toFixed(1)} samples/s, the engine waited ${(100 * result.timing.waitShare).toFixed(1)}% of the time`);
  process.exitCode = result.status === 'finished' ? 0 : 130;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
