import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { trainingMix } from '@controllab/emoji-scenes';
import { countParameters, initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { compileTrainStep, cosineRate, initialTrainState, runTraining, startBatchWorker, stateTensors, type TrainingResult } from '@controllab/training';
import { decode, encode } from '../autoencoder.ts';
import type { VaeBatchData } from '../batches/vae.ts';
import { encodeScenes } from '../latents.ts';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, miniVae } from '../models.ts';
import { fromImages } from '../pixels.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
import { saveWeights } from '../weights.ts';
import type { StageOptions } from './stage.ts';

const BATCH = 16;

/** The autoencoder learns every object of the core tier: it is not the part that a small object pool should limit. */
export const VAE_RECIPE = {
  source: { tier: 'core', seed: 7, split: 'train', mix: trainingMix } satisfies SceneSource,
  batchSize: BATCH,
  totalSteps: 4000,
  peak: 2e-3,
  warmup: 200,
  ema: 0.998,
  kl: 2e-4,
  charbonnier: 0.05,
};

/** Mean squared error, a Charbonnier term for edges, and a little KL: LDM's first stage without its discriminator. */
export async function pretrainVae({ directory, seed, output }: StageOptions): Promise<TrainingResult> {
  const vae = miniVae();
  const { source, totalSteps, peak, warmup, ema, kl, charbonnier } = VAE_RECIPE;
  const step = await compileTrainStep(
    {
      name: 'VAE',
      trainable: parameterSpecs(vae),
      inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] }, noise: { shape: [BATCH, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] } },
      ema,
      loss: ({ params, inputs }) =>
        withParameters(vae, params, () => {
          const images = inputs['images']!;
          const { mean, logvar } = encode(vae, images);
          const latent = tf.add(mean, tf.mul(tf.exp(tf.mul(logvar, 0.5)), inputs['noise']!));
          const error = tf.squaredDifference(decode(vae, latent), images);
          const mse = tf.mean(error);
          const edges = tf.mean(tf.sqrt(tf.add(error, 1e-4)));
          const divergence = tf.mul(0.5, tf.mean(tf.sub(tf.add(tf.square(mean), tf.exp(logvar)), tf.add(logvar, 1))));
          return { loss: tf.add(tf.add(mse, tf.mul(edges, charbonnier)), tf.mul(divergence, kl)) as tf.Scalar, aux: { mse } };
        }),
    },
    { stepsPerRun: 4 },
  );
  const result = await runTraining({
    name: 'VAE',
    step,
    initialState: initialTrainState(initialize(vae, seed), { ema: true }),
    batches: startBatchWorker({ module: new URL('../batches/vae.ts', import.meta.url), data: { source, batchSize: BATCH, seed } satisfies VaeBatchData }),
    totalSteps,
    learningRate: cosineRate({ peak, totalSteps, warmup, final: peak * 0.02 }),
    seed,
    config: { recipe: JSON.stringify(VAE_RECIPE) },
    directory: path.join(directory, 'vae'),
    checkpointEvery: 200,
    ...(output === undefined ? {} : { output }),
  });
  if (result.status === 'finished') {
    const weights = stateTensors(result.state, 'ema');
    const { statistics } = await encodeScenes(weights, source, 2048);
    const quality = await reconstructionQuality(weights, 128);
    saveWeights('vae', weights, {
      recipe: JSON.stringify(VAE_RECIPE),
      seed: String(seed),
      parameters: String(countParameters(vae)),
      latent_statistics: JSON.stringify(statistics),
      quality: JSON.stringify(quality),
    });
  }
  return result;
}

/** PSNR in dB of reconstructions from the posterior mean, over scenes that training never drew. */
export async function reconstructionQuality(weights: Record<string, HostTensor>, count: number): Promise<Record<string, number>> {
  const vae = miniVae();
  const reconstruct = await compile(
    ({ inputs, constants }) => withParameters(vae, constants, () => ({ outputs: { images: decode(vae, encode(vae, inputs['images']!).mean) } })),
    { inputs: { images: { shape: [count, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
  );
  const quality: Record<string, number> = {};
  for (const split of ['val-combination', 'val-object'] as const) {
    const scenes = await openScenes({ tier: 'core', seed: 991, split });
    const images = fromImages(Array.from({ length: count }, (_, i) => scenes.render(scenes.spec(i)).rgb8.slice()));
    const y = (await reconstruct.run({ images }))['images']!.data;
    const size = y.length / count;
    let sum = 0;
    for (let n = 0; n < count; n++) {
      let squares = 0;
      for (let j = n * size; j < (n + 1) * size; j++) squares += (Math.max(-1, Math.min(1, y[j]!)) - images.data[j]!) ** 2;
      sum += 10 * Math.log10(4 / (squares / size));
    }
    quality[`psnr ${split}`] = sum / count;
  }
  await reconstruct.release();
  return quality;
}
