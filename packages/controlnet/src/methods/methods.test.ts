import { describe, expect, it } from 'vitest';
import {
  countParameters,
  initialize,
  parameterSpecs,
  UNet2DConditionModel,
  withParameters,
  type ControlTarget,
  type Method,
  type UNet2DConditionConfig,
  type UNetEncoderConfig,
} from '@controllab/core-blocks';
import { normal, uniform } from '@controllab/data';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { ControlNetModel, initializeFromUNet } from '../controlnet.ts';
import { controlNetLite } from './controlnet-lite-method.ts';
import { controlNet } from './controlnet-method.ts';
import { ldmConcatenation } from './ldm-concatenation.ts';

const config: UNet2DConditionConfig = {
  block_out_channels: [8, 16],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const encoder = Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'up_block_types')) as unknown as UNetEncoderConfig;
const target: ControlTarget = { family: 'mini', factor: 4, video: false, encoder };
const plain = initialize(new UNet2DConditionModel(config), 1);
const numbers = (shape: number[], purpose: string): HostTensor => ({
  data: normal(
    3,
    purpose,
    0,
    shape.reduce((a, b) => a * b, 1),
  ),
  shape,
});
const inputs = {
  sample: numbers([2, 4, 4, 4], 'sample'),
  timesteps: { data: Float32Array.of(10, 700), shape: [2] },
  context: numbers([2, 5, 8], 'context'),
  condition: { data: uniform(3, 'condition', 0, 2 * 3 * 256), shape: [2, 3, 16, 16] },
};

/** The U-Net's prediction, alone or under an untrained control. */
async function predict(method: Method | null, strength?: number): Promise<Float32Array> {
  const control = method?.create(target) ?? null;
  const unet = new UNet2DConditionModel({ ...config, in_channels: 4 + (control?.extraInputs ?? 0) });
  const weights = { ...Object.fromEntries(Object.entries(plain).map(([name, t]) => [`unet.${name}`, t])), ...control?.initial(plain, 2) };
  const compiled = await compile(
    ({ inputs: t, constants }) =>
      withParameters({ unet, ...(control === null ? {} : { control: control.module }) }, constants, () => {
        const { sample, ...options } = control?.apply(t, strength) ?? {};
        return { outputs: { v: unet.forward(sample ?? t['sample']!, t['timesteps']!, t['context']!, options) } };
      }),
    { inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])), constants: weights },
    { threads: 1 },
  );
  const { v } = await compiled.run(inputs);
  await compiled.release();
  return v!.data as Float32Array;
}

const largestDifference = (a: Float32Array, b: Float32Array): number => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
const expectClose = (a: Float32Array, b: Float32Array): void => expect(largestDifference(a, b)).toBeLessThan(2e-6);

const METHODS = {
  controlnet: controlNet(),
  'controlnet-random': controlNet({ copy: 'random' }),
  'controlnet-gaussian': controlNet({ connection: 'gaussian' }),
  'controlnet-mid': controlNet({ onlyMid: true }),
  'controlnet-joint': controlNet({ jointRate: 0.1 }),
  'controlnet-lite': controlNetLite(),
  'ldm-concatenation': ldmConcatenation(),
};

describe.each(Object.entries(METHODS))('%s', (id, method) => {
  it('is named after its choices', () => expect(method.id).toBe(id));

  it(id === 'controlnet-gaussian' ? 'disturbs the base from the first step' : 'starts as the base model', async () => {
    const [alone, controlled] = [await predict(null), await predict(method)];
    if (id === 'controlnet-gaussian') expect(largestDifference(controlled, alone)).toBeGreaterThan(0.01);
    // A convolution over more channels sums in another order, be they zero.
    else if (id === 'ldm-concatenation') expectClose(controlled, alone);
    else expect(controlled).toEqual(alone);
  });

  it('does nothing at strength 0', async () => expectClose(await predict(method, 0), await predict(null)));

  it('gives every parameter of its module a start, and takes weights that are left in a file', () => {
    const control = method.create(target);
    const initial = control.initial(plain, 2);
    for (const [name, { shape }] of Object.entries(parameterSpecs({ control: control.module })))
      expect(initial[name]?.shape, name).toEqual(shape);
  });
});

it('ControlNet starts from the U-Net’s encoder exactly as initializeFromUNet says', () => {
  const module = new ControlNetModel({ ...encoder, conditioning_embedding_out_channels: [16, 32, 64] });
  expect(controlNet().create(target).initial(plain, 5)).toEqual(initializeFromUNet(module, plain, 5, 'control'));
  expect(countParameters(controlNet().create(target).module)).toBe(countParameters(module));
});

it('joint training unlocks the whole U-Net at its own rate, and nothing else does', () => {
  const joint = METHODS['controlnet-joint'].create(target);
  expect([joint.trainsInBase!.test('conv_in.weight'), joint.baseRate]).toEqual([true, 0.1]);
  expect(METHODS.controlnet.create(target).trainsInBase).toBeNull();
});

it('refuses a base with another number of pixels per latent by name', () => {
  expect(() => controlNet().create({ ...target, factor: 16 })).toThrow(/8 or 4|4 or 8/);
  expect(() => controlNet().create({ ...target, factor: 16 })).toThrow(/16 pixels per latent/);
});
