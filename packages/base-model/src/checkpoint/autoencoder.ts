import * as tf from '@tensorflow/tfjs';
import { withParameters, type AutoencoderKL, type LatentEncoder, type Weights } from '@controllab/core-blocks';
import { imageBatch, toImages, type RgbImage } from '@controllab/data';
import type { FloatTensor } from '@controllab/diffusion';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import type { BasePart } from '../base.ts';
import { checkFinite } from '../sampler/check-finite.ts';

const row = (data: HostTensor['data'], n: number, size: number): Float32Array => (data as Float32Array).subarray(n * size, (n + 1) * size);

/** The encoder as part of another network's graph. */
export const tracedEncoder = (vae: AutoencoderKL): LatentEncoder => ({
  module: vae,
  encode: (pictures) => vae.scaled(vae.encode(tf.sub(tf.mul(pictures, 2), 1)).mean),
});

/** Scaled posterior means [N, C, h, w] of pictures of one size, one at a time: a picture of full size fills the memory. */
export async function encodePictures(
  vae: AutoencoderKL,
  weights: Weights,
  images: readonly RgbImage[],
  engine: CompileOptions,
): Promise<FloatTensor> {
  const { width, height } = images[0]!;
  const shape = [images.length, vae.latentChannels, height / vae.factor, width / vae.factor];
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  const latents = new Float32Array(images.length * size);
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters({ vae }, constants, () => ({ outputs: { mean: vae.scaled(vae.encode(inputs['image']!).mean) } })),
    { inputs: { image: { shape: [1, 3, height, width] } }, constants: weights },
    { ...engine, name: 'VAE encoder' },
  );
  try {
    for (const [n, image] of images.entries()) {
      const { mean } = await network.run({ image: imageBatch([image]) });
      latents.set(mean!.data as Float32Array, n * size);
    }
  } finally {
    await network.release();
  }
  return { data: latents, shape };
}

/** Pictures of scaled latents of one shape [N, C, h, w], one at a time. */
export async function compileDecoder(
  vae: AutoencoderKL,
  weights: Weights,
  shape: readonly number[],
  engine: CompileOptions,
): Promise<BasePart<FloatTensor, RgbImage[]>> {
  const one = [1, ...shape.slice(1)];
  const size = one.reduce((a, b) => a * b, 1);
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters({ vae }, constants, () => ({ outputs: { image: vae.decode(vae.unscaled(inputs['latent']!)) } })),
    { inputs: { latent: { shape: one } }, constants: weights },
    { ...engine, name: 'VAE decoder' },
  );
  return {
    async run({ data }) {
      const images: RgbImage[] = [];
      for (let n = 0; n < shape[0]!; n++) {
        const { image } = await network.run({ latent: { data: row(data, n, size), shape: one } });
        checkFinite(`The VAE decoder's picture ${n}`, image!);
        images.push(...toImages(image!));
      }
      return images;
    },
    release: () => network.release(),
  };
}
