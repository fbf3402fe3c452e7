import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { valueAndGrads, type NamedTensors } from '@controllab/tfjs-onnx';
import { initialize, withParameters } from '../module.ts';
import { VQModel } from './vq-model.ts';

beforeAll(() => tf.setBackend('cpu'));

const model = new VQModel({
  block_out_channels: [4],
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
  latent_channels: 2,
  num_vq_embeddings: 3,
});
const parameters = (): NamedTensors =>
  Object.fromEntries(
    Object.entries({
      ...initialize(model, 1),
      'quantize.embedding.weight': { data: Float32Array.of(0, 0, 1, 1, 3, 0), shape: [3, 2] },
    }).map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
  );

describe('the codebook', () => {
  // Two places, (0.4, 0.8) and (2, -1): nearest are (1, 1) at 0.4 and (3, 0) at 2, of squares 0.8, 2 and 5, 2 of the first.
  const latents = (): tf.Tensor => tf.tensor([0.4, 2, 0.8, -1], [1, 2, 1, 2]);

  it('takes the nearest code of every place', () => {
    const { codes, quantised } = withParameters(model, parameters(), () => model.quantise(latents()));
    expect([codes.dtype, codes.shape, [...codes.dataSync()]]).toEqual(['int32', [1, 2], [1, 2]]);
    expect([...quantised.dataSync()]).toEqual([1, 3, 1, 0]);
  });

  it('draws codes to latents, and latents to codes a quarter as strongly', () => {
    const given = { z: latents(), table: parameters()['quantize.embedding.weight']! };
    const { value, grads } = valueAndGrads(
      () => withParameters(model, { ...parameters(), 'quantize.embedding.weight': given.table }, () => model.quantise(given.z).loss),
      given,
    );
    // 1.25 times the mean of 0.36, 0.04, 1, 1.
    expect(value.dataSync()[0]).toBeCloseTo(1.25 * 0.6, 6);
    // 2 (code - latent) / 4 for codes; the code that is nobody's stays. A quarter of its opposite for latents.
    [0, 0, 0.3, 0.1, 0.5, 0.5].forEach((expected, i) => expect(grads['table']!.dataSync()[i]).toBeCloseTo(expected, 6));
    [-0.075, -0.125, -0.025, -0.125].forEach((expected, i) => expect(grads['z']!.dataSync()[i]).toBeCloseTo(expected, 6));
  });

  it('passes gradients through as if codes were latents', () => {
    const z = latents();
    const weights = tf.tensor([1, 2, 3, 4], [1, 2, 1, 2]);
    const { grads } = valueAndGrads(() => withParameters(model, parameters(), () => tf.sum(tf.mul(model.quantise(z).quantised, weights))), {
      z,
    });
    expect([...grads['z']!.dataSync()]).toEqual([1, 2, 3, 4]);
  });
});

it('a picture of codes is that of their vectors', () => {
  withParameters(model, parameters(), () => {
    const { codes, quantised } = model.quantise(tf.tensor([0.4, 2, 0.8, -1], [1, 2, 1, 2]));
    expect([...model.decodeCodes(codes, [1, 2]).dataSync()]).toEqual([...model.decode(quantised).dataSync()]);
  });
});

it('refuses by name what is not built', () => {
  const config = {
    block_out_channels: [4],
    down_block_types: ['DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D'],
    layers_per_block: 1,
  };
  expect(() => new VQModel({ ...config, norm_num_groups: 2, norm_type: 'spatial' } as never)).toThrow(
    /VQModel:.*\n +norm_type: expected "group", got "spatial"/,
  );
});
