import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { UNet2DConditionModel, initialize, readSafetensors, withParameters, writeSafetensors } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { applyIncrements, weightIncrements } from './increments.ts';
import { TRAINABLE_PATTERNS } from './selective-training.ts';

beforeAll(() => tf.setBackend('cpu'));

const vector = (...values: number[]): HostTensor => ({ data: Float32Array.from(values), shape: [values.length] });

it('takes what training changed and adds it to another base, at any strength', () => {
  const base = { a: vector(1, 2), b: vector(0), untouched: vector(7) };
  const increments = weightIncrements({ a: vector(1.5, 1), b: vector(-2) }, base);
  expect(increments).toEqual({ a: vector(0.5, -1), b: vector(-2) });
  expect(applyIncrements(increments, { a: vector(10, 20), b: vector(1) })).toEqual({ a: vector(10.5, 19), b: vector(-1) });
  expect(applyIncrements(increments, base, 0.5)).toEqual({ a: vector(1.25, 1.5), b: vector(-1) });
});

it('names what another architecture lacks', () => {
  expect(() => applyIncrements({ a: vector(1), b: vector(1, 2) }, { b: vector(1) })).toThrow(
    expect.objectContaining({ code: 'base-mismatch', values: { problems: ['missing a [1]', 'b: expected [2], the base has [1]'] } }),
  );
});

it('plugs a tuned U-Net into itself through a file, and moves another base as far', () => {
  const config = {
    block_out_channels: [4, 8],
    down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
    layers_per_block: 1,
    attention_head_dim: 2,
    cross_attention_dim: 6,
    norm_num_groups: 2,
  };
  const unet = new UNet2DConditionModel(config);
  const [base, other] = [initialize(unet, 1), initialize(unet, 2)];
  const names = Object.keys(base).filter((name) => TRAINABLE_PATTERNS.sd15.test(name));
  const tuned = Object.fromEntries(
    names.map((name) => [name, { ...base[name]!, data: (base[name]!.data as Float32Array).map((w, i) => w + 0.1 * Math.sin(i)) }]),
  );

  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'controlnext-'));
  let increments: Record<string, HostTensor>;
  try {
    const file = path.join(directory, 'increments.safetensors');
    writeSafetensors(file, weightIncrements(tuned, base));
    const stored = readSafetensors(file);
    increments = Object.fromEntries(stored.names().map((name) => [name, stored.tensor(name)]));
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
  expect(Object.keys(increments).sort()).toEqual([...names].sort());

  const output = (weights: Record<string, HostTensor>) =>
    withParameters(
      unet,
      Object.fromEntries(Object.entries(weights).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])])),
      () =>
        unet.forward(tf.randomNormal([1, 4, 4, 4], 0, 1, 'float32', 1), tf.tensor1d([7]), tf.randomNormal([1, 3, 6], 0, 1, 'float32', 2)),
    ).dataSync();
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))));
  const expected = output({ ...base, ...tuned });
  expect(distance(output({ ...base, ...applyIncrements(increments, base) }), expected)).toBeLessThan(1e-5);
  expect(distance(output(base), expected)).toBeGreaterThan(1e-3);
  const moved = applyIncrements(increments, other);
  expect(moved[names[0]!]!.data[3]! - other[names[0]!]!.data[3]!).toBeCloseTo(0.1 * Math.sin(3), 6);
});
