import * as tf from '@tensorflow/tfjs';
import { CONTEXT_LENGTH, trainingMix, vocabulary } from '@controllab/emoji-scenes';
import { countParameters, withParameters } from '@controllab/core-blocks';
import { stableDecayRate, type TrainingResult } from '@controllab/training';
import type { LatentBatchData } from '../batches/latent.ts';
import { miniText } from '../clip.ts';
import { trainingLatents } from '../latents.ts';
import { LATENT_CHANNELS, LATENT_SIZE, miniUNet, miniVae } from '../models.ts';
import { loadTextEncoder } from '../networks.ts';
import type { SceneSource } from '../scenes.ts';
import { loadWeights, saveWeights } from '../weights.ts';
import { writeStageReport } from './stage-report.ts';
import { trainStage, type StageOptions } from './stage.ts';

/**
 * Exposures per object decide what a small model can draw, and large singles teach most: they are half of the scenes. The decay matters as much:
 * at a constant rate the loss stays a quarter higher.
 */
export const UNET_RECIPE = {
  source: { tier: 'core', seed: 7, split: 'train', mix: trainingMix } satisfies SceneSource,
  scenes: 49152,
  batchSize: 32,
  totalSteps: 12000,
  decay: 2000,
  peak: 1e-3,
  warmup: 200,
  ema: 0.999,
  promptDrop: 0.1,
};

/** The U-Net on v-prediction, conditioned by the frozen text tower of mini-CLIP. */
export async function pretrainUNet(options: StageOptions): Promise<TrainingResult> {
  const { source, scenes, batchSize, peak, warmup, promptDrop } = UNET_RECIPE;
  const vae = loadWeights('vae', miniVae());
  const encoder = loadTextEncoder(source.tier);
  const { latents, vaeHash } = await trainingLatents(options.directory, vae, source, scenes);
  const unet = miniUNet();
  const text = miniText(vocabulary(source.tier).words.length);
  const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  // A run that proves too short may be lengthened from a checkpoint before its decay: its length is no part of what identifies it.
  const { totalSteps, decay, ...lasting } = UNET_RECIPE;
  const trained = await trainStage(
    {
      part: 'unet',
      recipe: UNET_RECIPE,
      identity: { recipe: JSON.stringify(lasting), vae: vaeHash, clip: encoder.hash },
      module: unet,
      prefix: 'unet',
      constants: encoder.tensors,
      inputs: { noisy: { shape: latent }, target: { shape: latent }, timesteps: { shape: [batchSize] }, ids: { shape: [batchSize, CONTEXT_LENGTH], dtype: 'int32' } },
      loss: ({ noisy, target, timesteps, ids }, constants) => {
        const context = withParameters({ text }, constants, () => text.forward(ids!));
        return { loss: tf.mean(tf.squaredDifference(unet.forward(noisy!, timesteps!, context), target!)) as tf.Scalar };
      },
      batches: { module: new URL('../batches/latent.ts', import.meta.url), data: { latents, vocabularyTier: source.tier, batchSize, seed: options.seed, promptDrop } satisfies LatentBatchData },
      learningRate: stableDecayRate({ peak, totalSteps, decay, warmup }),
      stepsPerRun: 10,
      checkpointEvery: 500,
    },
    options,
  );
  if (trained.weights !== null) {
    saveWeights('unet', trained.weights, { recipe: JSON.stringify(UNET_RECIPE), seed: String(options.seed), parameters: String(countParameters(unet)), vae: vaeHash, clip: encoder.hash });
    await writeStageReport({ part: 'unet', title: 'The U-Net of the embedded default', seed: options.seed, recipe: UNET_RECIPE, trained, quality: {} });
  }
  return trained.result;
}
