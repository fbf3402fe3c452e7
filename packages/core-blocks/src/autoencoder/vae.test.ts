import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { AutoencoderKL } from './vae.ts';

beforeAll(() => tf.setBackend('cpu'));

const config = {
  block_out_channels: [4],
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
  latent_channels: 2,
};
const latent = (...values: number[]) => tf.tensor4d(values, [1, 2, 1, 1]);
const rounded = (x: tf.Tensor) => [...x.dataSync()].map((value) => Number(value.toFixed(5)));

it.each([
  [{ scaling_factor: 0.5 }, [1.5, 2.5]],
  // SD3 and Flux: (z - shift) * scale
  [{ scaling_factor: 0.5, shift_factor: 1 }, [1, 2]],
  // diffusers' SDXL pipelines: (z - mean) * scale / deviation
  [{ scaling_factor: 0.5, latents_mean: [1, -1], latents_std: [2, 4] }, [0.5, 0.75]],
])('latents are scaled as %j says, and back', (more, expected) => {
  const vae = new AutoencoderKL({ ...config, ...more });
  expect(rounded(vae.scaled(latent(3, 5)))).toEqual(expected);
  expect(rounded(vae.unscaled(vae.scaled(latent(3, 5))))).toEqual([3, 5]);
});
