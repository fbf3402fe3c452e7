import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import {
  countParameters,
  encoderOf,
  externalStateDict,
  initialize,
  parameterSpecs,
  readSafetensors,
  SD15_ENCODER,
  UNet2DConditionModel,
  withParameters,
  writeSafetensors,
  type ControlTarget,
  type UNet2DConditionConfig,
} from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import { ControlNetLite } from '../controlnet-lite.ts';
import { ControlNetModel, initializeFromUNet } from '../controlnet.ts';
import { controlLora } from './control-lora-method.ts';
import { controlNetLite } from './controlnet-lite-method.ts';
import { controlNetMlp } from './controlnet-mlp-method.ts';
import { controlNet } from './controlnet-method.ts';
import { controlNetXs } from './controlnet-xs-method.ts';
import { ldmConcatenation } from './ldm-concatenation.ts';
import { piti } from './piti-method.ts';
import { t2iAdapter } from './t2i-adapter-method.ts';

const config: UNet2DConditionConfig = {
  block_out_channels: [8, 16],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const encoder = encoderOf(config);
const target: ControlTarget = { family: 'mini', factor: 4, video: false, encoder };
const unet = new UNet2DConditionModel(config);
const base = initialize(unet, 1);
const hint = { conditioning_embedding_out_channels: [16, 32, 64] };

const METHODS = {
  controlnet: controlNet(),
  'controlnet-random': controlNet({ copy: 'random' }),
  'controlnet-gaussian': controlNet({ connection: 'gaussian' }),
  'controlnet-mid': controlNet({ onlyMid: true }),
  'controlnet-gaussian-joint': controlNet({ connection: 'gaussian', jointRate: 0.1 }),
  'controlnet-joint': controlNet({ jointRate: 0.1, trains: /to_out/ }),
  'controlnet-signed': controlNet({ conditionRange: 'signed' }),
  'controlnet-latents': controlNet({ conditionEncoder: 'autoencoder' }),
  'controlnet-levels-1': controlNet({ levels: 1 }),
  'controlnet-lite': controlNetLite(),
  'controlnet-mlp': controlNetMlp(),
  'controlnet-xs': controlNetXs(),
  'control-lora': controlLora(),
  't2i-adapter': t2iAdapter(),
  piti: piti(),
  'piti-joint': piti({ jointRate: 0.1 }),
  'ldm-concatenation': ldmConcatenation(),
  'ldm-concatenation-random': ldmConcatenation({ base: 'random' }),
  'ldm-concatenation-resized': ldmConcatenation({ condition: 'resized' }),
  'ldm-concatenation-resized-random': ldmConcatenation({ base: 'random', condition: 'resized' }),
};

const directory = mkdtempSync(path.join(os.tmpdir(), 'methods-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe.each(Object.entries(METHODS))('%s', (id, method) => {
  const control = method.create(target);
  const start = control.initial(base, 5);

  it('is named after its choices', () => expect(method.id).toBe(id));

  it('gives every parameter of its module a start', () => {
    for (const [name, { shape }] of Object.entries(parameterSpecs({ control: control.module })))
      expect(start[name]?.shape, name).toEqual(shape);
  });

  it('starts from weights that are left in a file as from the same weights in memory', () => {
    const file = path.join(directory, `${id}.safetensors`);
    writeSafetensors(file, base);
    expect(control.initial(externalStateDict(unet, readSafetensors(file)), 5)).toEqual(start);
  });
});

it.each([
  ['controlnet', initializeFromUNet(new ControlNetModel({ ...encoder, ...hint }), base, 5, 'control')],
  ['controlnet-gaussian', initializeFromUNet(new ControlNetModel({ ...encoder, ...hint }, { connection: 'gaussian' }), base, 5, 'control')],
  ['controlnet-random', initialize(new ControlNetModel({ ...encoder, ...hint }), 5, 'control')],
  ['controlnet-lite', initialize(new ControlNetLite({ ...encoder, ...hint }), 5, 'control')],
] as const)('%s starts as its network does by itself', (id, expected) => {
  expect(METHODS[id].create(target).initial(base, 5)).toEqual(expected);
});

it('a part of the U-Net is not named without the rate at which it would train', () => {
  expect(() => controlNet({ trains: /to_out/ })).toThrow(/trains names a part of the U-Net, and jointRate/);
  expect(controlNet({ trains: /to_out/, jointRate: 0.1 }).id).toBe('controlnet-joint');
});

it('a signed condition is seen as 2 c - 1', async () => {
  await tf.setBackend('cpu');
  const given = (conditionRange: 'unit' | 'signed', brightness: number): Float32Array => {
    const control = controlNet({ connection: 'gaussian', conditionRange }).create(target);
    const values = Object.entries(control.initial(base, 5)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]);
    return withParameters({ control: control.module }, Object.fromEntries(values) as NamedTensors, () => {
      const t = {
        sample: tf.ones([1, 4, 4, 4]),
        timesteps: tf.tensor1d([7]),
        context: tf.ones([1, 2, 8]),
        condition: tf.fill([1, 3, 16, 16], brightness),
      };
      return control.apply(t).midBlockAdditionalResidual!.dataSync() as Float32Array;
    });
  };
  expect(given('signed', 0.75)).toEqual(given('unit', 0.5));
  expect(given('signed', 0.75)).not.toEqual(given('unit', 0.75));
  expect(controlNet({ conditionRange: 'unit' }).config).toEqual(controlNet().config);
});

it('concatenation trains the U-Net at a share of the rate, and says so', () => {
  const { config, description, create } = ldmConcatenation({ baseRate: 0.1 });
  expect(config).toEqual({ channels: 4, baseRate: 0.1 });
  expect(description).toContain('the whole U-Net trains, at 0.1 of the encoder’s rate');
  expect(create(target).baseRate).toBe(0.1);
  expect([ldmConcatenation().config, ldmConcatenation().create(target).baseRate]).toEqual([{ channels: 4 }, 1]);
});

it('concatenation widens conv_in by channels of zero weights', () => {
  const { data, shape } = METHODS['ldm-concatenation'].create(target).initial(base, 5)['unet.conv_in.weight']!;
  expect(shape).toEqual([8, 8, 3, 3]);
  const row = 8 * 9;
  expect(data.slice(row, row + 36)).toEqual(base['conv_in.weight']!.data.slice(36, 72));
  expect(data.slice(row + 36, 2 * row)).toEqual(new Float32Array(36));
  expect(() => METHODS['ldm-concatenation'].create(target).initial({}, 5)).toThrow(/conv_in\.weight.*the U-Net has none/);
});

it('a resized condition is one channel of block means in [-1, 1], without parameters, and widens conv_in by one', async () => {
  await tf.setBackend('cpu');
  const control = METHODS['ldm-concatenation-resized'].create(target);
  expect([control.extraInputs, countParameters(control.module)]).toEqual([1, 0]);
  expect(control.initial(base, 5)['unet.conv_in.weight']!.shape).toEqual([8, 5, 3, 3]);
  // Two latents side by side under blocks of 4 x 4 pixels: a quarter of the first is white, the second is 0.3, 0.6 and 0.9 in its channels.
  const condition = tf.tidy(() => {
    const first = tf.tensor4d(
      [0, 1, 2].flatMap(() => [...Array<number>(4).fill(1), ...Array<number>(12).fill(0)]),
      [1, 3, 4, 4],
    );
    const second = tf.mul(tf.ones([1, 3, 4, 4]), tf.tensor4d([0.3, 0.6, 0.9], [1, 3, 1, 1]));
    return tf.concat([first, second], 3);
  });
  const given = (strength?: number) =>
    [...control.apply({ sample: tf.zeros([1, 4, 1, 2]), condition }, strength).sample!.dataSync()].map((x) => Number(x.toFixed(6)));
  expect(given()).toEqual([...Array<number>(8).fill(0), -0.5, 0.2]);
  expect(given(0.5)).toEqual([...Array<number>(8).fill(0), -0.25, 0.1]);
  // Any number of pixels per latent will do: there is no encoder to shrink by.
  expect(ldmConcatenation({ condition: 'resized' }).create({ ...target, factor: 16 }).extraInputs).toBe(1);
});

it('only joint training and concatenation train the U-Net, all of it unless a subset is named', () => {
  const trained = Object.entries(METHODS).flatMap(([id, method]) => {
    const { trainsInBase, baseRate } = method.create(target);
    return trainsInBase === null ? [] : [[id, Object.keys(base).every((name) => trainsInBase.test(name)), baseRate]];
  });
  expect(trained).toEqual([
    ['controlnet-gaussian-joint', true, 0.1],
    ['controlnet-joint', false, 0.1],
    ['piti-joint', true, 0.1],
    ['ldm-concatenation', true, 1],
    ['ldm-concatenation-random', true, 1],
    ['ldm-concatenation-resized', true, 1],
    ['ldm-concatenation-resized-random', true, 1],
  ]);
});

it('LDM from scratch starts every parameter of the U-Net as its layer does by itself, the widened input too', () => {
  const start = METHODS['ldm-concatenation-random'].create(target).initial(base, 5);
  const own = initialize(new UNet2DConditionModel({ ...config, in_channels: 8 }), 5, 'unet');
  expect(Object.keys(own).length).toBe(Object.keys(base).length);
  expect(Object.fromEntries(Object.keys(own).map((name) => [name, start[name]]))).toEqual(own);
  const odd = { ...base, mix: { data: new Float32Array(1), shape: [1] } };
  expect(() => METHODS['ldm-concatenation-random'].create(target).initial(odd, 5)).toThrow('mix: expected the weight or bias');
});

it('connects the middle block alone where it says so', () => {
  const names = Object.keys(parameterSpecs(METHODS['controlnet-mid'].create(target).module));
  expect(names).toContain('controlnet_mid_block.weight');
  expect(names.filter((name) => name.startsWith('controlnet_down_blocks'))).toEqual([]);
});

it('copies of some levels what they have, and refuses levels that are none', () => {
  // Stable Diffusion 1.5: conv_in, time embedding, two levels of 320 and 640 channels with their downsamplers, the hint encoder.
  const sd15: ControlTarget = { family: 'sd15', factor: 8, video: false, encoder: SD15_ENCODER };
  const names = [...controlNet({ levels: 2 }).create(sd15).module.parameters().keys()];
  expect(names.filter((name) => /^(down_blocks\.[23]|mid_block|controlnet_mid_block)/.test(name))).toEqual([]);
  expect(names).toContain('down_blocks.1.downsamplers.0.conv.weight');
  // conv_in's state, two layers and a downsampler in each level.
  expect(names.filter((name) => /^controlnet_down_blocks\.\d\.weight$/.test(name))).toHaveLength(7);
  for (const levels of [0, 2, 1.5]) expect(() => controlNet({ levels }).create(target)).toThrow(`a part of them is 1 to 1, got ${levels}`);
  expect(() => controlNet({ levels: 1, onlyMid: true }).create(target)).toThrow('of some levels the middle block is not one');
});

it('sees latents of its condition without a hint encoder, for images alone', () => {
  const control = controlNet({ conditionEncoder: 'autoencoder' }).create(target);
  expect(control.sees).toBe('latents');
  expect([...control.module.parameters().keys()].filter((name) => name.startsWith('controlnet_cond'))).toEqual([]);
  expect(() => controlNet({ conditionEncoder: 'autoencoder', conditionRange: 'signed' }).create(target)).toThrow(/is for hint encoders/);
});

it('refuses a base with another number of pixels per latent, and videos where they are not defined', () => {
  expect(() => controlNet().create({ ...target, factor: 16 })).toThrow("by 4 or 8; 'mini' has 16 pixels per latent");
  const video = { family: 'svd', factor: 4, video: true, encoder: {} } as unknown as ControlTarget;
  for (const name of ['controlnet-xs', 'control-lora', 't2i-adapter', 'piti', 'ldm-concatenation'] as const)
    expect(() => METHODS[name].create(video)).toThrow(/images.*'svd'|'svd'.*images/);
  expect(() => t2iAdapter().create({ ...target, family: 'sdxl' })).toThrow("T2I-Adapter has no recipe for 'sdxl'");
  expect(() => piti().create({ ...target, family: 'sdxl' })).toThrow("PITI is defined for images and one text encoder; 'sdxl' has others");
});

it.each([
  // diffusers 0.42: T2IAdapter() and ControlNetXSAdapter of a tenth and an eighth of the widths (fixtures/make/control_adapters.py).
  ['T2I-Adapter', t2iAdapter(), 77_369_280],
  ['ControlNet-XS, a tenth', controlNetXs({ ratio: 0.1 }), 28_118_768],
  ['ControlNet-XS', controlNetXs(), 33_631_000],
  // Of diffusers' ControlNetModel: its connections and hint encoder, 12,566,160, and rank (rows + columns) of its 122 other matrices.
  ['Control-LoRA', controlLora(), 67_686_544],
  ['Control-LoRA, rank 1', controlLora({ rank: 1 }), 12_566_160 + 55_120_384 / 128],
] as const)('%s has the reference’s number of parameters for Stable Diffusion 1.5', (_, method, count) => {
  const sd15: ControlTarget = { family: 'sd15', factor: 8, video: false, encoder: SD15_ENCODER };
  expect(countParameters(method.create(sd15).module)).toBe(count);
});

it('Control-LoRA refuses a rank of nothing, a U-Net that it is not for, and to run without one', () => {
  expect(() => controlLora({ rank: 0 }).create(target)).toThrow('expected a rank of at least 1, got 0');
  const control = METHODS['control-lora'].create(target);
  expect(() => control.apply({})).toThrow('apply() got none');
  expect(() => control.apply({}, 1, new UNet2DConditionModel(config))).toThrow(/no such encoder.*\n.*conv_in\.weight \[8, 4, 3, 3\]/);
});

it('ControlNet-XS refuses widths that leave no channels or do not fit the heads', () => {
  expect(() => controlNetXs({ ratio: 0.01 }).create(target)).toThrow("0.01 of the widths of 'mini' leaves no channels");
  expect(() => controlNetXs({ ratio: 0.2 }).create(target)).toThrow(
    "3 channels of a ControlNet-XS must be divisible by the U-Net's 2 heads",
  );
});
