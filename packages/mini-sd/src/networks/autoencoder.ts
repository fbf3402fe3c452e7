import type * as tf from '@tensorflow/tfjs';
import type { BasePart } from '@controllab/base-model';
import { withParameters, type AutoencoderKL } from '@controllab/core-blocks';
import { toImages, type RgbImage } from '@controllab/data';
import type { FloatTensor } from '@controllab/diffusion';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE, LATENT_SIZE, miniVae } from './models.ts';
import { pixelShuffle, pixelUnshuffle } from './pixels.ts';

/** Pixels along a side of what one latent position stands for. */
export const PATCH = IMAGE_SIZE / LATENT_SIZE;

/** Posterior of images [N, 3, H, W] in [-1, 1]: mean and log variance, each [N, 4, H/4, W/4]. */
export const encode = (vae: AutoencoderKL, images: tf.Tensor): { mean: tf.Tensor; logvar: tf.Tensor } =>
  vae.encode(pixelUnshuffle(images, PATCH));

/** Images [N, 3, 4h, 4w] of unnormalised latents [N, 4, h, w]. */
export const decode = (vae: AutoencoderKL, latents: tf.Tensor): tf.Tensor => pixelShuffle(vae.decode(latents), PATCH);

/** Per latent channel: what makes a latent zero-mean and unit-variance (diffusers' latents_mean and latents_std). */
export interface LatentStatistics {
  mean: readonly number[];
  std: readonly number[];
}

/** (x - mean) / std, or back, of latents [N, C, h, w]. */
export function normaliseLatents(
  { data, shape }: FloatTensor,
  { mean, std }: LatentStatistics,
  direction: 'forward' | 'back',
): FloatTensor {
  const plane = shape.slice(2).reduce((a, b) => a * b, 1);
  const out = new Float32Array(data.length);
  for (let i = 0, k = 0; i < data.length; i += plane, k = (k + 1) % mean.length) {
    for (let j = i; j < i + plane; j++) out[j] = direction === 'forward' ? (data[j]! - mean[k]!) / std[k]! : data[j]! * std[k]! + mean[k]!;
  }
  return { data: out, shape };
}

/** The encoder compiled for images [N, 3, H, W] in [-1, 1]: posterior means, not normalised. */
export async function compileEncoder(
  weights: Record<string, HostTensor>,
  shape: readonly number[],
  engine: CompileOptions,
): Promise<BasePart<HostTensor, FloatTensor>> {
  const vae = miniVae();
  const network = await compile(
    ({ inputs, constants }) => withParameters(vae, constants, () => ({ outputs: { mean: encode(vae, inputs['images']!).mean } })),
    { inputs: { images: { shape } }, constants: weights },
    { ...engine, name: 'VAE encoder' },
  );
  return {
    run: async (images) => (await network.run({ images }))['mean'] as FloatTensor,
    release: () => network.release(),
  };
}

/** The decoder compiled for normalised latents of one shape [N, 4, h, w]. */
export async function compileDecoder(
  weights: Record<string, HostTensor>,
  statistics: LatentStatistics,
  shape: readonly number[],
  engine: CompileOptions,
): Promise<BasePart<FloatTensor, RgbImage[]>> {
  const vae = miniVae();
  const network = await compile(
    ({ inputs, constants }) => withParameters(vae, constants, () => ({ outputs: { images: decode(vae, inputs['latents']!) } })),
    { inputs: { latents: { shape } }, constants: weights },
    { ...engine, name: 'VAE decoder' },
  );
  return {
    run: async (latents) => toImages((await network.run({ latents: normaliseLatents(latents, statistics, 'back') }))['images']!),
    release: () => network.release(),
  };
}
