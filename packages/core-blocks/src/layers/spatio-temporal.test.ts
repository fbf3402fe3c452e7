import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initialize, withParameters, type Module } from '../module.ts';
import { SpatioTemporalResBlock, TemporalConv } from './spatio-temporal.ts';
import { UNetSpatioTemporalConditionModel } from '../unet/unet.ts';
import { AutoencoderKL, AutoencoderKLTemporalDecoder } from '../autoencoder/vae.ts';

beforeAll(() => tf.setBackend('cpu'));

const weightsOf = (module: Module) =>
  Object.fromEntries(Object.entries(initialize(module, 1)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

describe('TemporalConv', () => {
  it('sums three neighbouring frames of the same video at each pixel', () => {
    const conv = new TemporalConv(1, 1);
    const weights = { weight: tf.tensor5d([100, 10, 1], [1, 1, 3, 1, 1]), bias: tf.tensor1d([0.5]) };
    const frames = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [4, 1, 1, 2]); // two videos of two frames of two pixels
    expect([...withParameters(conv, weights, () => conv.overFrames(frames, 2)).dataSync()]).toEqual([
      13.5, 24.5, 130.5, 240.5, 57.5, 68.5, 570.5, 680.5,
    ]);
  });
});

describe('SpatioTemporalResBlock', () => {
  const x = () => tf.randomNormal([4, 2, 2, 2], 0, 1, 'float32', 1);
  const run = (temporalFirst: boolean, mix: number, frames: number) => {
    const block = new SpatioTemporalResBlock(2, 2, { tembChannels: null, groups: 1, eps: 1e-5, temporalFirst });
    const weights = { ...weightsOf(block), 'time_mixer.mix_factor': tf.tensor1d([mix]) };
    const spatial = withParameters({ spatial_res_block: block.spatial_res_block }, weights, () =>
      block.spatial_res_block.forward(x(), null),
    );
    return { spatial, out: withParameters(block, weights, () => block.forward(x(), null, frames)) };
  };

  it('mixes by the sigmoid of one number, towards the frames or towards the video', () => {
    for (const [temporalFirst, mix] of [
      [false, 40],
      [true, -40],
    ] as const) {
      const { spatial, out } = run(temporalFirst, mix, 2);
      expect(largest(out, spatial)).toBeLessThan(1e-6);
    }
    expect(largest(run(false, -40, 2).out, run(true, 40, 2).out)).toBeLessThan(1e-6);
    const [third, end, start] = [run(false, Math.log(0.5), 2).out, run(false, 40, 2).out, run(false, -40, 2).out];
    expect(largest(third, tf.add(tf.mul(end, 1 / 3), tf.mul(start, 2 / 3)))).toBeLessThan(1e-5);
  });

  it('keeps videos apart: what follows in the batch changes nothing', () => {
    const block = new SpatioTemporalResBlock(2, 2, { tembChannels: null, groups: 1, eps: 1e-5 });
    const of = (input: tf.Tensor) => withParameters(block, weightsOf(block), () => block.forward(input, null, 2));
    expect(largest(tf.slice(of(x()), 0, 2), of(tf.slice(x(), 0, 2)))).toBeLessThan(1e-6);
  });
});

describe('AutoencoderKLTemporalDecoder', () => {
  const config = { block_out_channels: [32, 32], down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'], layers_per_block: 2 };

  it('decodes each frame as the image autoencoder does where nothing of the video is mixed in', () => {
    const video = new AutoencoderKLTemporalDecoder(config);
    const image = new AutoencoderKL({ ...config, up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'] });
    const weights = weightsOf(video);
    for (const name of Object.keys(weights)) if (name.endsWith('mix_factor')) weights[name] = tf.tensor1d([-40]);
    const identity = tf.buffer([3, 3, 3, 1, 1]);
    for (let c = 0; c < 3; c++) identity.set(1, c, c, 1, 0, 0);
    Object.assign(weights, { 'decoder.time_conv_out.weight': identity.toTensor(), 'decoder.time_conv_out.bias': tf.zeros([3]) });
    const spatial = Object.fromEntries(Object.entries(weights).map(([name, t]) => [name.replace('.spatial_res_block', ''), t]));
    const post = { 'post_quant_conv.weight': tf.reshape(tf.eye(4), [4, 4, 1, 1]), 'post_quant_conv.bias': tf.zeros([4]) };
    const z = tf.randomNormal([2, 4, 2, 2], 0, 1, 'float32', 1);
    const want = withParameters(image, { ...spatial, ...post }, () => image.decode(z));
    expect(
      largest(
        withParameters(video, weights, () => video.decode(z, 2)),
        want,
      ),
    ).toBeLessThan(1e-5);
    expect(() => video.decode(z, 3)).toThrow(/expected a multiple of 3 frames, got \[2, 4, 2, 2\]/);
  });
});

describe('UNetSpatioTemporalConditionModel', () => {
  const unet = new UNetSpatioTemporalConditionModel({
    block_out_channels: [32, 32],
    down_block_types: ['DownBlockSpatioTemporal', 'CrossAttnDownBlockSpatioTemporal'],
    up_block_types: ['CrossAttnUpBlockSpatioTemporal', 'UpBlockSpatioTemporal'],
    layers_per_block: 1,
    num_attention_heads: 2,
    cross_attention_dim: 4,
    addition_time_embed_dim: 2,
    projection_class_embeddings_input_dim: 6,
  });
  const forward = (sample: tf.Tensor, ids = tf.ones([1, 3])) => unet.forward(sample, tf.tensor1d([0.3]), tf.ones([1, 1, 4]), ids);

  it.each([
    ['frames that are not a video', () => forward(tf.zeros([2, 8, 2, 2])), /sample: expected \[B, F, 8, H, W\], got \[2, 8, 2, 2\]/],
    [
      'too few numbers',
      () => withParameters(unet, weightsOf(unet), () => forward(tf.zeros([1, 2, 8, 2, 2]), tf.ones([1, 2]))),
      /timeIds: expected \[1, 3\], got \[1, 2\]/,
    ],
  ])('refuses %s', (_, f, message) => {
    expect(f).toThrow(message);
    expect(f).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
