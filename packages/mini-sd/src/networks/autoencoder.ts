import * as tf from '@tensorflow/tfjs';
import { checkFinite, type BasePart } from '@controllab/base-model';
import { withParameters, type AutoencoderKL, type LatentEncoder, pixelShuffle, pixelUnshuffle } from '@controllab/core-blocks';
import { imageBatch, toImages, type RgbImage } from '@controllab/data';
import type { FloatTensor } from '@controllab/diffusion';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, miniVae } from './models.ts';

/** Pixels along a side of what one latent position stands for. */
export const PATCH = IMAGE_SIZE / LATENT_SIZE;
/** Pictures that the encoder takes at a time. */
const ENCODED = 64;

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

/** The encoder as part of another network's graph: normalised posterior means. */
export function tracedEncoder({ mean, std }: LatentStatistics): LatentEncoder {
  const module = miniVae();
  const row = (values: readonly number[]): tf.Tensor => tf.tensor([...values], [1, values.length, 1, 1]);
  return {
    module,
    encode: (pictures) => tf.div(tf.sub(encode(module, tf.sub(tf.mul(pictures, 2), 1)).mean, row(mean)), row(std)),
  };
}

/** Mean and standard deviation of each channel of latents [N, C, h, w]. */
export function latentStatistics({ data, shape }: FloatTensor): LatentStatistics {
  const [, channels, ...rest] = shape as [number, number, ...number[]];
  const plane = rest.reduce((a, b) => a * b, 1);
  const sum = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / plane) % channels;
    sum[c]! += data[i]!;
    squares[c]! += data[i]! ** 2;
  }
  const n = data.length / channels;
  const mean = [...sum].map((s) => s / n);
  return { mean, std: [...squares].map((q, c) => Math.sqrt(q / n - mean[c]! ** 2)) };
}

/** Posterior means [N, 4, H/4, W/4] of pictures of one size, not normalised: some at a time, the last of them filled up with zeros. */
export async function posteriorMeans(
  weights: Record<string, HostTensor>,
  images: readonly RgbImage[],
  engine: CompileOptions,
): Promise<FloatTensor> {
  const { width, height } = images[0]!;
  const batch = [ENCODED, 3, height, width];
  const latent = [LATENT_CHANNELS, height / PATCH, width / PATCH];
  const row = latent.reduce((a, b) => a * b, 1);
  const latents = new Float32Array(images.length * row);
  const encoder = await compileEncoder(weights, batch, engine);
  try {
    for (let start = 0; start < images.length; start += ENCODED) {
      const part = images.slice(start, start + ENCODED);
      const data = new Float32Array(ENCODED * 3 * height * width);
      data.set(imageBatch(part).data);
      const means = await encoder.run({ data, shape: batch });
      latents.set(means.data.subarray(0, part.length * row), start * row);
    }
  } finally {
    await encoder.release();
  }
  return { data: latents, shape: [images.length, ...latent] };
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
    run: async (latents) => {
      const { images } = await network.run({ latents: normaliseLatents(latents, statistics, 'back') });
      checkFinite("The VAE decoder's batch of pictures", images!);
      return toImages(images!);
    },
    release: () => network.release(),
  };
}
