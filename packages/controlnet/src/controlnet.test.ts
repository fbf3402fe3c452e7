import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  SD15_ENCODER,
  SDXL_ENCODER,
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  countParameters,
  initialize,
  withParameters,
  type Module,
  parameterSpecs,
} from '@controllab/core-blocks';
import { adamw, valueAndGrads, type HostTensor } from '@controllab/tfjs-onnx';
import { ControlNetLite } from './controlnet-lite.ts';
import { ControlNetMlp } from './controlnet-mlp.ts';
import {
  ControlNetModel,
  ControlNetSpatioTemporalModel,
  controlNetSd15,
  controlNetSd21,
  controlNetSdxl,
  controlNetSvd,
  initializeFromUNet,
} from './controlnet.ts';
import { toUNetResiduals } from './residuals.ts';

const encoder = {
  block_out_channels: [4, 8],
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 6,
  norm_num_groups: 2,
};
const config = { ...encoder, conditioning_channels: 1, conditioning_embedding_out_channels: [2, 4, 4] }; // 4 pixels per latent
const unet = new UNet2DConditionModel({ ...encoder, up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'] });

beforeAll(() => tf.setBackend('cpu'));

const toTensors = (host: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(host).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
const inputs = () =>
  [tf.randomNormal([2, 4, 4, 4], 0, 1, 'float32', 1), tf.tensor1d([7, 400]), tf.randomNormal([2, 3, 6], 0, 1, 'float32', 2)] as const;
const condition = () => tf.randomUniform([2, 1, 16, 16], 0, 1, 'float32', 3);
const controlOf = (model: ControlNetModel | ControlNetLite | ControlNetMlp, host: Record<string, HostTensor>) =>
  withParameters(model, toTensors(host), () => model.forward(...inputs(), condition()));

describe('ControlNetModel', () => {
  it.each([
    ['controlnet_sd15', controlNetSd15],
    ['controlnet_sdxl', controlNetSdxl],
  ] as const)('%s has exactly the published names and shapes', (name, build) => {
    const published = JSON.parse(
      fs.readFileSync(path.join(import.meta.dirname, `../../../fixtures/reference/arch/${name}.json`), 'utf8'),
    ) as { config: never; params: Record<string, number[]> };
    const shapes = (module: Module) => Object.fromEntries([...module.parameters()].map(([name, { shape }]) => [name, shape]));
    expect(shapes(build())).toEqual(published.params);
    expect(shapes(new ControlNetModel(published.config))).toEqual(published.params);
  });

  it.each([
    [controlNetSd15, 361_279_120],
    [controlNetSd21, 364_228_240],
    [controlNetSdxl, 1_251_014_160],
    [controlNetSvd, 682_021_537],
  ] as const)('%o has %s parameters', (build, count) => {
    expect(countParameters(build())).toBe(count);
  });

  it('starts as a copy of the U-Net that changes nothing', () => {
    const model = new ControlNetModel(config);
    const weights = initialize(unet, 1);
    const started = initializeFromUNet(model, weights, 2);
    expect(started['down_blocks.0.resnets.0.conv1.weight']).toEqual(weights['down_blocks.0.resnets.0.conv1.weight']);
    expect(started['conv_in.bias']?.data).not.toBe(weights['conv_in.bias']?.data);
    const residuals = controlOf(model, started);
    const run = (control: object) => withParameters(unet, toTensors(weights), () => unet.forward(...inputs(), control)).dataSync();
    expect(run(toUNetResiduals(residuals))).toEqual(run({}));
  });

  it.each([
    [[0, 0], 0],
    [[0, 1], 1],
  ])('has transformers of norm and projections alone where their depth is 0: %j', (depths, midBlocks) => {
    const model = new ControlNetModel({ ...config, transformer_layers_per_block: depths });
    const names = Object.keys(parameterSpecs(model));
    const within = (place: string) => names.filter((name) => name.startsWith(`${place}.`)).map((name) => name.slice(place.length + 1));
    const bare = ['norm', 'proj_in', 'proj_out'].flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
    expect(within('down_blocks.0.attentions.0')).toEqual(bare);
    expect(within('mid_block.attentions.0').filter((name) => !name.startsWith('transformer_blocks.0.'))).toEqual(bare);
    expect(within('mid_block.attentions.0.transformer_blocks').length > 0).toBe(midBlocks > 0);
    expect(model.encoder.contextChannels).toBe(6);
    const { downBlockResiduals, midBlockResidual } = controlOf(model, initialize(model, 1));
    expect(downBlockResiduals.map(({ shape }) => shape[1])).toEqual([4, 4, 4, 8]);
    expect(midBlockResidual.shape).toEqual([2, 8, 2, 2]);
    // Copied from a U-Net of deeper transformers, it takes what it has.
    expect(initializeFromUNet(model, initialize(unet, 1), 2)['down_blocks.0.attentions.0.proj_in.weight']).toBeDefined();
  });

  it('names what the U-Net lacks', () => {
    const weights = { ...initialize(unet, 1), 'conv_in.bias': { data: new Float32Array(3), shape: [3] } };
    delete (weights as Record<string, HostTensor>)['mid_block.resnets.0.norm1.weight'];
    expect(() => initializeFromUNet(new ControlNetModel(config), weights, 0)).toThrow(
      expect.objectContaining({
        code: 'unet-mismatch',
        values: { problems: ['conv_in.bias: expected [4], the U-Net has [3]', 'missing mid_block.resnets.0.norm1.weight [8]'] },
      }),
    );
  });

  it('learns through zero convolutions: their gradient is not zero, that of what is behind them is; one step moves them', () => {
    const model = new ControlNetModel(config);
    const params = toTensors(initializeFromUNet(model, initialize(unet, 1), 2));
    const frozen = toTensors(initialize(unet, 1));
    const { grads } = valueAndGrads(
      () =>
        withParameters({ '': model }, params, () => {
          const control = toUNetResiduals(model.forward(...inputs(), condition()));
          return tf.mean(tf.square(withParameters(unet, frozen, () => unet.forward(...inputs(), control)))) as tf.Scalar;
        }),
      params,
    );
    const largest = (name: string) => tf.max(tf.abs(grads[name] as tf.Tensor)).dataSync()[0] as number;
    expect(largest('controlnet_down_blocks.0.weight')).toBeGreaterThan(1e-6);
    expect(largest('controlnet_mid_block.weight')).toBeGreaterThan(1e-6);
    expect(largest('conv_in.weight')).toBe(0);
    expect(largest('controlnet_cond_embedding.conv_out.weight')).toBe(0);

    const zeros = Object.fromEntries(Object.entries(params).map(([name, t]) => [name, tf.zerosLike(t)]));
    const first = { learningRate: tf.scalar(1e-3), biasCorrection1: tf.scalar(1 / (1 - 0.9)), biasCorrection2: tf.scalar(1 / (1 - 0.999)) };
    const next = adamw(params, grads, zeros, zeros, first, { weightDecay: 0 }).params;
    const moved = (name: string) => tf.max(tf.abs(tf.sub(next[name] as tf.Tensor, params[name] as tf.Tensor))).dataSync()[0] as number;
    expect(moved('controlnet_down_blocks.0.weight')).toBeCloseTo(1e-3, 5);
    expect(moved('conv_in.weight')).toBe(0);
  });

  it('gaussian connections are N(0, 1/fan_in) and act from the start', () => {
    const wide = { ...config, block_out_channels: [64, 64], conditioning_embedding_out_channels: [64] };
    const { data } = initialize(new ControlNetModel(wide, { connection: 'gaussian' }), 1)['controlnet_mid_block.weight'] as HostTensor;
    const std = Math.sqrt((data as Float32Array).reduce((sum, w) => sum + w * w, 0) / data.length);
    expect(Math.abs(std - 1 / 8)).toBeLessThan(0.005); // 4096 draws: 3.6 standard errors
    const model = new ControlNetModel(config, { connection: 'gaussian' });
    expect(
      controlOf(model, initializeFromUNet(model, initialize(unet, 1), 1))
        .midBlockResidual.abs()
        .max()
        .dataSync()[0],
    ).toBeGreaterThan(0.01);
  });

  it('refuses a condition that does not meet the latents', () => {
    const model = new ControlNetModel(config);
    const forward = () =>
      withParameters(model, toTensors(initialize(model, 1)), () => model.forward(...inputs(), tf.zeros([2, 1, 32, 32])));
    expect(forward).toThrow(/expected \[2, 1, 16, 16\] \(4 pixels per latent\), got \[2, 1, 32, 32\]/);
  });
});

describe('ControlNetSpatioTemporalModel', () => {
  it('gives residuals the video U-Net takes; at the start they change nothing', () => {
    const video = {
      block_out_channels: [32],
      down_block_types: ['CrossAttnDownBlockSpatioTemporal'],
      layers_per_block: 1,
      num_attention_heads: 2,
      cross_attention_dim: 4,
      addition_time_embed_dim: 2,
      projection_class_embeddings_input_dim: 6,
    };
    const hint = { conditioning_channels: 1, conditioning_embedding_out_channels: [4, 4] }; // 2 pixels per latent
    const unet = new UNetSpatioTemporalConditionModel({ ...video, up_block_types: ['CrossAttnUpBlockSpatioTemporal'] });
    const control = new ControlNetSpatioTemporalModel({ ...video, ...hint });
    const args = () =>
      [tf.randomNormal([1, 2, 8, 1, 2], 0, 1, 'float32', 1), tf.tensor1d([0.3]), tf.ones([1, 1, 4]), tf.ones([1, 3])] as const;
    const weights = toTensors(initialize(unet, 1));
    const start = toTensors(initializeFromUNet(control, initialize(unet, 1), 2));
    const run = (connections: typeof start) => {
      const residuals = withParameters(control, connections, () =>
        control.forward(...args(), tf.randomUniform([1, 2, 1, 2, 4], 0, 1, 'float32', 3)),
      );
      return withParameters(unet, weights, () => unet.forward(...args(), toUNetResiduals(residuals))).dataSync();
    };
    const plain = withParameters(unet, weights, () => unet.forward(...args())).dataSync();
    expect(run(start)).toEqual(plain);
    expect(run({ ...start, 'controlnet_mid_block.weight': tf.ones([32, 32, 1, 1]) })).not.toEqual(plain);
    expect(() => withParameters(control, start, () => control.forward(...args(), tf.zeros([1, 2, 1, 4, 4])))).toThrow(
      /expected \[1, 2, 1, 2, 4\]/,
    );
  });
});

describe('ControlNetMlp', () => {
  it('gives residuals of the same shapes as ControlNet, zero at the start', () => {
    const mlp = new ControlNetMlp(config);
    const full = new ControlNetModel(config);
    const residuals = controlOf(mlp, initialize(mlp, 1));
    const expected = controlOf(full, initialize(full, 1));
    expect(residuals.downBlockResiduals.map(({ shape }) => shape)).toEqual(expected.downBlockResiduals.map(({ shape }) => shape));
    expect(residuals.midBlockResidual.shape).toEqual(expected.midBlockResidual.shape);
    for (const residual of [...residuals.downBlockResiduals, residuals.midBlockResidual])
      expect(residual.abs().max().dataSync()[0]).toBe(0);
  });

  it('has 1x1 convolutions alone', () => {
    const kernels = Object.values(parameterSpecs(new ControlNetMlp(SD15_ENCODER))).filter(({ shape }) => shape.length === 4);
    expect(kernels.every(({ shape }) => shape[2] === 1 && shape[3] === 1)).toBe(true);
    // conv_in; twelve blocks, from four times the channels where the map shrinks; the condition’s two; 13 connections.
    const conv = (from: number, to: number): number => (from + 1) * to;
    const widths = [320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280, 1280, 1280, 1280];
    const shrinks = [3, 6, 9];
    const blocks = widths.slice(1).map((to, i) => [widths[i]! * (shrinks.includes(i + 1) ? 4 : 1), to]);
    const connections = widths;
    const expected =
      conv(4, 320) + conv(3 * 64, 320) + conv(320, 320) +
      blocks.reduce((sum, [from, to]) => sum + conv(from!, to!), 0) +
      connections.reduce((sum, channels) => sum + conv(channels, channels), 0); // prettier-ignore
    expect(countParameters(new ControlNetMlp(SD15_ENCODER))).toBe(expected);
  });
});

describe('ControlNetLite', () => {
  it('counts 105,670,160 parameters at Stable Diffusion size: 13 convolutions, 13 zero convolutions, hint encoder', () => {
    expect(countParameters(new ControlNetLite(SD15_ENCODER))).toBe(105_670_160);
    expect(countParameters(new ControlNetLite(SDXL_ENCODER))).toBe(11_840 + 48_851_520 + 4_920_960 + 1_639_680 + 1_086_480);
  });

  it('gives residuals of the same shapes as ControlNet, zero at the start', () => {
    const lite = new ControlNetLite(config);
    const full = new ControlNetModel(config);
    const shapes = ({ downBlockResiduals, midBlockResidual }: ReturnType<typeof controlOf>) =>
      [...downBlockResiduals, midBlockResidual].map(({ shape }) => shape);
    const residuals = controlOf(lite, initialize(lite, 1));
    expect(shapes(residuals)).toEqual(shapes(controlOf(full, initialize(full, 1))));
    expect(residuals.midBlockResidual.abs().max().dataSync()[0]).toBe(0);
    const gaussian = new ControlNetLite(config, { connection: 'gaussian' });
    expect(controlOf(gaussian, initialize(gaussian, 1)).midBlockResidual.abs().max().dataSync()[0]).toBeGreaterThan(0);
  });
});
