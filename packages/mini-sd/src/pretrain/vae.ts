import * as tf from '@tensorflow/tfjs';
import { firstExamples, toImages } from '@controllab/data';
import { catalogue, emojiScenes, SCENE_SEEDS, type SceneSource, type Split, type Tier } from '@controllab/emoji-scenes';
import { withParameters } from '@controllab/core-blocks';
import type { ImageGrid } from '@controllab/report';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { stableDecayRate, type TrainingResult } from '@controllab/training';
import { decode, encode, latentStatistics, posteriorMeans } from '../networks/autoencoder.ts';
import type { VaeBatchData } from '../batches/vae.ts';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, miniVae } from '../networks/models.ts';
import { fromImages } from '../networks/pixels.ts';
import { stepsOfTier } from '../tier.ts';
import { psnrByImage } from './quality.ts';
import { runStage, type StageQuality } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

/** Reconstructions of each split in the report. */
const SHOWN = 8;

/** The autoencoder learns every object of the tier: it is not the part that a small object pool should limit. */
const vaeRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.autoencoder.seed, split: 'train' } satisfies SceneSource,
  batchSize: 16,
  totalSteps: stepsOfTier(3600, tier),
  decay: stepsOfTier(1000, tier),
  peak: 2e-3,
  warmup: 200,
  ema: 0.998,
  // At 2e-4 one of the four channels collapses to the prior early on and never comes back.
  kl: 1e-5,
  charbonnier: 0.2,
});

/**
 * Mean squared error, a Charbonnier term that keeps small errors from being ignored (drawings are flat), and a little KL: LDM's first stage
 * without its discriminator.
 */
export async function pretrainVae(options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const vae = miniVae();
  const recipe = vaeRecipe(tier);
  const { totalSteps, decay, ...lasting } = recipe;
  const { source, batchSize, peak, warmup, kl, charbonnier } = lasting;
  return runStage(
    {
      part: 'vae',
      title: 'The autoencoder of the embedded default',
      recipe,
      identity: { recipe: JSON.stringify(lasting) },
      module: vae,
      inputs: {
        images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
        noise: { shape: [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] },
      },
      loss: ({ images, noise }) => {
        const { mean, logvar } = encode(vae, images!);
        const latent = tf.add(mean, tf.mul(tf.exp(tf.mul(logvar, 0.5)), noise!));
        const error = tf.squaredDifference(decode(vae, latent), images!);
        const mse = tf.mean(error);
        const edges = tf.mean(tf.sqrt(tf.add(error, 1e-4)));
        const divergence = tf.mul(0.5, tf.mean(tf.sub(tf.add(tf.square(mean), tf.exp(logvar)), tf.add(logvar, 1))));
        return { loss: tf.add(tf.add(mse, tf.mul(edges, charbonnier)), tf.mul(divergence, kl)) as tf.Scalar, aux: { mse } };
      },
      batches: {
        module: new URL('../batches/vae.ts', import.meta.url),
        data: { source, batchSize, seed: options.seed } satisfies VaeBatchData,
      },
      learningRate: stableDecayRate({ peak, totalSteps, decay, warmup }),
      stepsPerRun: 4,
      checkpointEvery: 200,
      metadata: async (weights) => {
        const scenes = await firstExamples(await emojiScenes(source), 2048);
        const images = scenes.map(({ image }) => image);
        return { latent_statistics: JSON.stringify(latentStatistics(await posteriorMeans(weights, images, {}))) };
      },
      measure: (weights) => reconstructionQuality(weights, tier, 128),
    },
    options,
  );
}

/** PSNR in dB of reconstructions from the posterior mean, over scenes that training never drew, and some of them to look at. */
async function reconstructionQuality(weights: Record<string, HostTensor>, tier: Tier, count: number): Promise<StageQuality> {
  const vae = miniVae();
  const reconstruct = await compile(
    ({ inputs, constants }) =>
      withParameters(vae, constants, () => ({ outputs: { images: decode(vae, encode(vae, inputs['images']!).mean) } })),
    { inputs: { images: { shape: [count, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
  );
  const quality: Record<string, number> = {};
  const rows: ImageGrid['rows'][number][] = [];
  // The smallest tier holds no object back.
  const splits: readonly Split[] = catalogue(tier).some(({ heldOut }) => heldOut) ? ['val-combination', 'val-object'] : ['val-combination'];
  for (const split of splits) {
    const scenes = await firstExamples(await emojiScenes({ tier, seed: SCENE_SEEDS.autoencoderQuality.seed, split }), count);
    const images = fromImages(scenes.map(({ image }) => image.rgb));
    const reconstructed = (await reconstruct.run({ images }))['images']!;
    const psnr = psnrByImage(reconstructed, images);
    quality[`PSNR in dB, ${split}`] = psnr.reduce((a, b) => a + b, 0) / count;
    const shown = toImages(reconstructed);
    for (const [n, { captions, image }] of scenes.slice(0, SHOWN).entries()) {
      const name = captions.caption;
      const picture = (rgb: Uint8Array, alt: string, text?: string) => ({
        rgb,
        width: IMAGE_SIZE,
        height: IMAGE_SIZE,
        alt,
        ...(text === undefined ? {} : { caption: text }),
      });
      rows.push({
        label: split,
        detail: name,
        images: [picture(image.rgb, name), picture(shown[n]!.rgb, `Reconstruction of: ${name}`, `${psnr[n]!.toFixed(1)} dB`)],
      });
    }
  }
  await reconstruct.release();
  return {
    quality,
    grid: {
      kind: 'image-grid',
      id: 'reconstructions',
      caption: 'Held-out scenes and what is left of them after encoding and decoding.',
      columns: ['scene', 'reconstruction'],
      rows,
    },
  };
}
