import type * as tf from '@tensorflow/tfjs';
import type { AutoencoderKL } from '@controllab/core-blocks';
import { IMAGE_SIZE, LATENT_SIZE } from './models.ts';
import { pixelShuffle, pixelUnshuffle } from './pixels.ts';

/** Pixels along a side of what one latent position stands for. */
const PATCH = IMAGE_SIZE / LATENT_SIZE;

/** Posterior of images [N, 3, 64, 64] in [-1, 1]: mean and log variance, each [N, 4, 16, 16]. */
export const encode = (vae: AutoencoderKL, images: tf.Tensor): { mean: tf.Tensor; logvar: tf.Tensor } =>
  vae.encode(pixelUnshuffle(images, PATCH));

/** Images [N, 3, 64, 64] of unnormalised latents [N, 4, 16, 16]. */
export const decode = (vae: AutoencoderKL, latents: tf.Tensor): tf.Tensor => pixelShuffle(vae.decode(latents), PATCH);

/** Per latent channel: what makes a latent zero-mean and unit-variance (diffusers' latents_mean and latents_std). */
export interface LatentStatistics {
  mean: readonly number[];
  std: readonly number[];
}

/** (x - mean) / std, or back, in place, of latents [N, C, ...]. */
export function normaliseLatents(data: Float32Array, { mean, std }: LatentStatistics, direction: 'forward' | 'back'): void {
  const channels = mean.length;
  const plane = 256;
  for (let i = 0, k = 0; i < data.length; i += plane, k = (k + 1) % channels) {
    for (let j = i; j < i + plane; j++) data[j] = direction === 'forward' ? (data[j]! - mean[k]!) / std[k]! : data[j]! * std[k]! + mean[k]!;
  }
}
