import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import {
  countParameters,
  parameterSpecs,
  SD15_ENCODER,
  SDXL_ENCODER,
  SVD_ENCODER,
  withParameters,
  type Control,
  type ControlTarget,
} from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import { controlNeXt, type ControlNeXtChoices } from './controlnext-method.ts';

const TARGETS: Readonly<Record<string, ControlTarget>> = {
  sd15: { family: 'sd15', factor: 8, video: false, encoder: SD15_ENCODER },
  sdxl: { family: 'sdxl', factor: 8, video: false, encoder: SDXL_ENCODER },
  svd: { family: 'svd', factor: 8, video: true, encoder: SVD_ENCODER },
  mini: { family: 'mini', factor: 4, video: false, encoder: { ...SD15_ENCODER, block_out_channels: [64, 128, 128, 128] } },
};
const made = (family: string, choices: ControlNeXtChoices = {}): Control => controlNeXt(choices).create(TARGETS[family]!);

describe('recipes', () => {
  it.each([
    ['sd15', false, 3_526_400, '/to_out/', 0.1],
    ['sdxl', false, 3_526_400, '/attn2.*to_out/', 0.1],
    ['svd', false, 3_526_400, '/to_out/', 1],
    ['mini', false, 992_000, '/to_out/', 0.1],
    ['sd15', true, 5_352_327, '/to_out/', 0.1],
    ['sdxl', true, 5_353_351, '/attn2.*to_out/', 0.1],
    ['svd', true, 5_610_177, '/to_out/', 1],
  ])('%s, legacy %s: module of %i parameters, trains %s of the U-Net at %f of the rate', (family, legacy, count, pattern, rate) => {
    const { module, trainsInBase, baseRate, extraInputs } = made(family, { legacy });
    expect([countParameters(module), String(trainsInBase), baseRate, extraInputs]).toEqual([count, pattern, rate, 0]);
  });

  it('refuses a family that it has none for by name', () => {
    const pixart = { ...TARGETS['sd15']!, family: 'pixart' };
    expect(() => controlNeXt().create(pixart)).toThrow("ControlNeXt has no recipe for 'pixart'; it has for sd15, sd21, sdxl, svd, mini");
    expect(() => made('mini', { legacy: true })).toThrow("legacy module has no recipe for 'mini'; it has for sd15, sdxl, svd");
  });
});

describe('choices', () => {
  it('name the method, and stand in its config', () => {
    const choices: ControlNeXtChoices = { point: 'down_blocks.0', gain: 0.35, trains: /attn1.*to_out/, normalization: 'zero-convolution' };
    const method = controlNeXt(choices);
    expect(method.id).toBe('controlnext-down-blocks-0-gain-0-35-attn1-to-out-zero');
    expect(method.label).toBe('ControlNeXt, at down_blocks.0, gain 0.35, trains /attn1.*to_out/, zero convolution');
    expect(method.config).toEqual({ ...choices, legacy: false, trains: '/attn1.*to_out/' });
    expect(controlNeXt({ normalization: 'pool-first' }).id).toBe('controlnext-pool-first');
    expect(controlNeXt({ normalization: 'equation-10' }).label).toBe('ControlNeXt, normalised by equation 10');
    expect(controlNeXt({ trains: 'none' }).id).toBe('controlnext-locked');
    expect(controlNeXt().config).toEqual({ legacy: false, point: null, gain: null, trains: null, normalization: 'cross' });
  });

  it('decide what trains in the U-Net', () => {
    expect(made('sd15', { trains: 'none' }).trainsInBase).toBeNull();
    expect(made('sd15', { trains: /to_q/ }).trainsInBase).toEqual(/to_q/);
  });

  it('fit the features to the width at the point, and refuse a point that the U-Net does not have', () => {
    const width = (point: ControlNeXtChoices['point']) =>
      parameterSpecs(made('mini', { ...(point === undefined ? {} : { point }) }).module)['mid_convs.1.weight']!.shape[0];
    expect([width(undefined), width('down_blocks.0'), width('down_blocks.1'), width('mid_block')]).toEqual([64, 64, 128, 128]);
    expect(() => made('mini', { point: 'down_blocks.4' })).toThrow(
      /expected one of conv_in, down_blocks\.0, .*mid_block, got "down_blocks\.4"/,
    );
  });

  it('reach what is added: where, how strongly, and from a convolution that starts at zero or not', async () => {
    await tf.setBackend('cpu');
    const added = (choices: ControlNeXtChoices) => {
      const control = made('mini', choices);
      const weights = Object.entries(control.initial({}, 1)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]);
      return withParameters({ control: control.module }, Object.fromEntries(weights) as NamedTensors, () => {
        const condition = tf.randomUniform([1, 3, 16, 16], 0, 1, 'float32', 1);
        const { inject } = control.apply({ condition, timesteps: tf.tensor1d([7]), sample: condition });
        const x = tf.randomNormal([1, 64, 4, 4], 3, 1, 'float32', 2);
        return { point: inject!.point, mean: tf.mean(tf.sub(inject!.apply(x), x)).dataSync()[0]! };
      });
    };
    // Aligned with the main branch the features have its mean, 3.
    expect(added({}).mean).toBeCloseTo(3, 1);
    expect(added({ gain: 0.5 }).mean).toBeCloseTo(1.5, 1);
    expect(added({ normalization: 'zero-convolution' }).mean).toBe(0);
    // Features of the main branch's size are not pooled: the order changes nothing.
    expect(added({ normalization: 'pool-first' }).mean).toBeCloseTo(added({ normalization: 'align-first' }).mean, 5);
    // (c - 3) / 1 of features c that are near 0: equation 10 leaves the control's own mean in the result.
    expect(added({ normalization: 'equation-10' }).mean).toBeCloseTo(-3, 0);
    expect([added({}).point, added({ point: 'down_blocks.0' }).point]).toEqual(['conv_in', 'down_blocks.0']);
  });
});
