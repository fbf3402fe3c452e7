import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initialize, parameterSpecs, withParameters } from '../module.ts';
import { Upsample2D } from '../layers/sampling.ts';
import { UNet2DConditionModel, type UNetOptions } from './unet.ts';
import { encoderStates } from './config.ts';
import type { AddedConditions } from './encoder.ts';

const config = {
  block_out_channels: [4, 8],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 6,
  norm_num_groups: 2,
};
const model = new UNet2DConditionModel(config);

beforeAll(() => tf.setBackend('cpu'));

function run(
  sample: tf.Tensor,
  options: UNetOptions & { t?: tf.Tensor; context?: tf.Tensor; addedConditions?: AddedConditions } = {},
  unet = model,
): tf.Tensor {
  const tensors = Object.fromEntries(
    Object.entries(initialize(unet, 1)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  return withParameters(unet, tensors, () =>
    unet.forward(sample, options.t ?? tf.tensor1d([3]), options.context ?? tf.ones([1, 2, 6]), options),
  );
}

describe('UNet2DConditionModel', () => {
  const states = encoderStates(model.encoder);

  it('hands out conv_in, each layer and each downsampler', () => {
    expect(states).toEqual([
      { channels: 4, factor: 1 },
      { channels: 4, factor: 1 },
      { channels: 4, factor: 2 },
      { channels: 8, factor: 2 },
    ]);
  });

  it('takes sizes that are no square, and is unchanged by residuals of zero', () => {
    const sample = tf.randomNormal([1, 4, 4, 6], 0, 1, 'float32', 1);
    const plain = run(sample);
    expect(plain.shape).toEqual([1, 4, 4, 6]);
    const residuals = states.map(({ channels, factor }) => tf.zeros([1, channels, 4 / factor, 6 / factor]));
    expect(run(sample, { downBlockAdditionalResiduals: residuals, midBlockAdditionalResidual: tf.zeros([1, 8, 2, 3]) }).dataSync()).toEqual(
      plain.dataSync(),
    );
    expect(run(sample, { midBlockAdditionalResidual: tf.ones([1, 8, 2, 3]) }).dataSync()).not.toEqual(plain.dataSync());
  });

  it('takes odd sizes: states have ceil(n / factor) pixels, and meet on the way up', () => {
    const residuals = states.map(({ channels, factor }) => tf.zeros([1, channels, Math.ceil(3 / factor), Math.ceil(5 / factor)]));
    const sample = tf.randomNormal([1, 4, 3, 5], 0, 1, 'float32', 1);
    const plain = run(sample);
    expect(plain.shape).toEqual([1, 4, 3, 5]);
    expect(run(sample, { downBlockAdditionalResiduals: residuals }).dataSync()).toEqual(plain.dataSync());
  });

  it('upsamples to an odd size as nearest-neighbour interpolation does: pixel i comes from floor(i in / out)', () => {
    const up = new Upsample2D(1);
    const identity = { 'conv.weight': tf.tensor4d([0, 0, 0, 0, 1, 0, 0, 0, 0], [1, 1, 3, 3]), 'conv.bias': tf.zeros([1]) };
    const row = (size: [number, number]) => [
      ...withParameters(up, identity, () => up.forward(tf.tensor4d([10, 20, 30], [1, 1, 1, 3]), size)).dataSync(),
    ];
    expect(row([1, 5])).toEqual([10, 10, 20, 20, 30]);
    expect(row([2, 6])).toEqual([10, 10, 20, 20, 30, 30, 10, 10, 20, 20, 30, 30]);
  });

  it('needs its added conditions exactly where the config has them', () => {
    const added = { textEmbeds: tf.ones([1, 3]), timeIds: tf.ones([1, 2]) };
    const sample = tf.zeros([1, 4, 2, 2]);
    const unet = new UNet2DConditionModel({
      ...config,
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 4,
      projection_class_embeddings_input_dim: 11,
    });
    expect(run(sample, { addedConditions: added }, unet).shape).toEqual([1, 4, 2, 2]);
    expect(() => run(sample, {}, unet)).toThrow(/addedConditions: this UNet2DConditionModel needs them/);
    expect(() => run(sample, { addedConditions: added })).toThrow(/has no use for them/);
    expect(() => run(sample, { addedConditions: { ...added, timeIds: tf.ones([1, 3]) } }, unet)).toThrow(
      /timeIds: expected \[1, 2\], got \[1, 3\]/,
    );
    expect(() => run(sample, { addedConditions: { ...added, textEmbeds: tf.ones([1, 4]) } }, unet)).toThrow(
      /textEmbeds: expected \[1, 11 - a multiple of 4\]/,
    );
  });

  it('has transformers of norm and projections alone where their depth is 0', () => {
    const sample = tf.randomNormal([1, 4, 4, 6], 0, 1, 'float32', 1);
    const [other, ones] = [tf.zeros([1, 2, 6]), tf.ones([1, 2, 6])];
    const flat = new UNet2DConditionModel({ ...config, transformer_layers_per_block: 0 });
    expect(Object.keys(parameterSpecs(flat)).filter((name) => name.startsWith('up_blocks.0.attentions.1.'))).toEqual(
      ['norm', 'proj_in', 'proj_out'].flatMap((layer) => ['weight', 'bias'].map((end) => `up_blocks.0.attentions.1.${layer}.${end}`)),
    );
    expect(run(sample, { context: other }, flat).dataSync()).toEqual(run(sample, { context: ones }, flat).dataSync());
    const up = new UNet2DConditionModel({ ...config, transformer_layers_per_block: 0, reverse_transformer_layers_per_block: [1, 0] });
    expect(run(sample, { context: other }, up).dataSync()).not.toEqual(run(sample, { context: ones }, up).dataSync());
    expect(() => new UNet2DConditionModel({ ...config, layers_per_block: 0 })).toThrow(/layers_per_block: expected a whole number from 1/);
  });

  it.each([
    ['conv_in', [1, 4, 4, 6]],
    ['down_blocks.0', [1, 4, 2, 3]],
    ['down_blocks.1', [1, 8, 2, 3]],
    ['mid_block', [1, 8, 2, 3]],
  ] as const)('injects behind %s', (point, shape) => {
    const sample = tf.randomNormal([1, 4, 4, 6], 0, 1, 'float32', 1);
    let seen: number[] = [];
    const note = (x: tf.Tensor) => {
      seen = x.shape;
      return x;
    };
    expect(run(sample, { inject: { point, apply: note } }).dataSync()).toEqual(run(sample).dataSync());
    expect(seen).toEqual(shape);
    expect(run(sample, { inject: { point, apply: (x) => tf.add(x, 1) } }).dataSync()).not.toEqual(run(sample).dataSync());
  });

  it('saves the skips before the injection: cutting the main branch behind conv_in leaves its skip alive', () => {
    const [a, b] = [1, 2].map((seed) => tf.randomNormal([1, 4, 4, 6], 0, 1, 'float32', seed)) as [tf.Tensor, tf.Tensor];
    const inject = { point: 'conv_in', apply: (x: tf.Tensor) => tf.zerosLike(x) } as const;
    expect(run(a, { inject }).dataSync()).not.toEqual(run(b, { inject }).dataSync());
  });

  it.each([
    [
      'an unknown injection point',
      () => run(tf.zeros([1, 4, 4, 4]), { inject: { point: 'down_blocks.2', apply: (x) => x } }),
      /inject.point: expected one of conv_in, down_blocks.0, down_blocks.1, mid_block, got "down_blocks.2"/,
    ],
    ['wrong channels', () => run(tf.zeros([1, 3, 4, 4])), /expected \[N, 4, H, W\]/],
    ['a scalar time step', () => run(tf.zeros([1, 4, 4, 4]), { t: tf.scalar(3) }), /timesteps: expected \[1\]/],
    [
      'a context for another batch',
      () => run(tf.zeros([1, 4, 4, 4]), { context: tf.ones([2, 2, 6]) }),
      /encoder hidden states: expected \[1, S, D\]/,
    ],
    [
      'too few residuals',
      () => run(tf.zeros([1, 4, 4, 4]), { downBlockAdditionalResiduals: [tf.zeros([1, 4, 4, 4])] }),
      /expected 4 tensors, got 1/,
    ],
  ])('refuses %s', (_, f, message) => {
    expect(f).toThrow(message);
    expect(f).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
