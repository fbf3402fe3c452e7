import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { countParameters, initialize, withParameters } from '../module.ts';
import { CodeTransformer } from './code-transformer.ts';

beforeAll(() => tf.setBackend('cpu'));

const config = {
  vocab_size: 5,
  code_grid: [2, 3] as const,
  condition_patch: 4,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
};
const network = new CodeTransformer(config);
const parameters = Object.fromEntries(
  Object.entries(initialize(network, 2)).map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
);
const condition = tf.randomUniform([1, 3, 8, 12], 0, 1, 'float32', 3);
const logits = (codes: readonly number[], seen = condition): number[][] =>
  withParameters(
    network,
    parameters,
    () => network.forward(seen, tf.tensor2d([...codes], [1, 6], 'int32')).arraySync() as number[][][],
  )[0]!;
const changed = (a: number[][], b: number[][]): boolean[] => a.map((row, i) => row.some((value, j) => Math.abs(value - b[i]![j]!) > 1e-6));

it('tells of every code from the condition and the codes before it', () => {
  const codes = [0, 1, 2, 3, 4, 0];
  expect(logits(codes).map((row) => row.length)).toEqual([5, 5, 5, 5, 5, 5]);
  expect(changed(logits(codes), logits([0, 1, 4, 3, 4, 0]))).toEqual([false, false, false, true, true, true]);
  expect(changed(logits(codes), logits([0, 1, 2, 3, 4, 3]))).toEqual(Array(6).fill(false));
  expect(changed(logits(codes), logits(codes, tf.randomUniform([1, 3, 8, 12], 0, 1, 'float32', 4)))).toEqual(Array(6).fill(true));
});

it('has the parameters of its layers', () => {
  const layer = 4 * (64 + 8) + 2 * 16 + (8 * 16 + 16) + (16 * 8 + 8);
  const patches = 3 * 8 * 4 + 8 + (8 * 8 * 9 + 8);
  expect(countParameters(network)).toBe(patches + 5 * 8 + 11 * 8 + 2 * layer + 16 + 8 * 5);
});

it('refuses another grid, and a patch that cannot be halved', () => {
  expect(() => logits([0, 1, 2, 3, 4, 0], tf.zeros([1, 3, 8, 8]))).toThrow(
    'expected 6 tokens of the condition and codes [N, 6], got 4 and [1, 6]',
  );
  expect(() => new CodeTransformer({ ...config, condition_patch: 3 })).toThrow('condition_patch must be even, got 3');
});
