import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CONTEXT_LENGTH, trainingMix, vocabulary } from '@controllab/emoji-scenes';
import { countParameters, initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { compileTrainStep, cosineRate, initialTrainState, runTraining, startBatchWorker, stateTensors, type TrainingResult } from '@controllab/training';
import type { LatentBatchData } from '../batches/latent.ts';
import { encodeScenes, writeLatents } from '../latents.ts';
import { LATENT_CHANNELS, LATENT_SIZE, miniText, miniUNet, miniVae } from '../models.ts';
import type { SceneSource } from '../scenes.ts';
import { loadWeights, readStatistics, saveWeights } from '../weights.ts';
import type { StageOptions } from './stage.ts';

const BATCH = 16;

/**
 * Exposures per object decide what a small model can draw: 40 objects at half large singles see 900 each in 72,000 samples.
 * The decay matters as much: at a constant rate the loss stays a quarter higher.
 */
export const DENOISER_RECIPE = {
  source: { tier: 'quick', seed: 7, split: 'train', mix: trainingMix } satisfies SceneSource,
  scenes: 24576,
  batchSize: BATCH,
  totalSteps: 4500,
  peak: 7e-4,
  warmup: 200,
  ema: 0.998,
  promptDrop: 0.12,
};

/** The U-Net with its text transformer, trained together from scratch on v-prediction. */
export async function pretrainDenoiser({ directory, seed, output }: StageOptions): Promise<TrainingResult> {
  const { source, scenes, totalSteps, peak, warmup, ema, promptDrop } = DENOISER_RECIPE;
  const vae = loadWeights('vae', miniVae());
  const vaeHash = createHash('sha256').update(JSON.stringify(vae.metadata)).digest('hex').slice(0, 12);
  const latents = path.join(directory, `latents-${source.tier}-${scenes}-${vaeHash}.safetensors`);
  if (!existsSync(latents)) {
    const encoded = await encodeScenes(vae.tensors, source, scenes, { statistics: readStatistics(vae.metadata) });
    writeLatents(latents, encoded.latents, source);
  }
  const unet = miniUNet();
  const text = miniText(vocabulary(source.tier).words.length);
  const modules = { unet, text };
  const latent = [BATCH, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  const step = await compileTrainStep(
    {
      name: 'denoiser',
      trainable: parameterSpecs(modules),
      inputs: { noisy: { shape: latent }, target: { shape: latent }, timesteps: { shape: [BATCH] }, ids: { shape: [BATCH, CONTEXT_LENGTH], dtype: 'int32' } },
      ema,
      loss: ({ params, inputs }) =>
        withParameters(modules, params, () => {
          const v = unet.forward(inputs['noisy']!, inputs['timesteps']!, text.forward(inputs['ids']!));
          return { loss: tf.mean(tf.squaredDifference(v, inputs['target']!)) as tf.Scalar };
        }),
    },
    { stepsPerRun: 10 },
  );
  const result = await runTraining({
    name: 'denoiser',
    step,
    initialState: initialTrainState({ ...initialize(unet, seed, 'unet'), ...initialize(text, seed, 'text') }, { ema: true }),
    batches: startBatchWorker({ module: new URL('../batches/latent.ts', import.meta.url), data: { latents, vocabularyTier: source.tier, batchSize: BATCH, seed, promptDrop } satisfies LatentBatchData }),
    totalSteps,
    learningRate: cosineRate({ peak, totalSteps, warmup, final: peak * 0.02 }),
    seed,
    config: { recipe: JSON.stringify(DENOISER_RECIPE), vae: vaeHash },
    directory: path.join(directory, 'denoiser'),
    checkpointEvery: 500,
    ...(output === undefined ? {} : { output }),
  });
  if (result.status === 'finished') {
    saveWeights('denoiser', stateTensors(result.state, 'ema'), {
      recipe: JSON.stringify(DENOISER_RECIPE),
      seed: String(seed),
      parameters: String(countParameters(modules)),
      vae: vaeHash,
    });
  }
  return result;
}
