import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { countParameters, initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { PitiEncoder } from './piti-encoder.ts';

beforeAll(() => tf.setBackend('cpu'));

const encoder = new PitiEncoder(3, [4, 8], 16, 2);
const parameters = Object.fromEntries(
  Object.entries(initialize(encoder, 3)).map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
);
const encode = (condition: tf.Tensor, textTokens: number): number[][] =>
  withParameters(encoder, parameters, () => encoder.forward(condition, textTokens).arraySync() as number[][][])[0]!;

describe('PitiEncoder', () => {
  it.each([
    // 16 x 24 pixels are 4 x 6 tokens.
    [5, 25],
    [24, 48],
    [77, 77],
  ])('gives the tokens of the map and copies of the class token, a multiple of the %i of the text', (textTokens, count) => {
    const tokens = encode(tf.randomUniform([1, 3, 16, 24], 0, 1, 'float32', 7), textTokens);
    expect(tokens.length).toBe(count);
    const [first, ...copies] = tokens.slice(24) as [number[], ...number[][]];
    for (const copy of copies) copy.forEach((value, i) => expect(value).toBeCloseTo(first[i]!, 5));
  });

  it('tells the places of a blank condition apart', () => {
    const tokens = encode(tf.zeros([1, 3, 16, 24]), 24);
    const apart = (a: number, b: number): number => Math.max(...tokens[a]!.map((value, i) => Math.abs(value - tokens[b]![i]!)));
    // Inside, where padding is not seen: neighbours in a row, and in a column.
    expect(apart(8, 9)).toBeGreaterThan(0.01);
    expect(apart(8, 14)).toBeGreaterThan(0.01);
  });

  it('has the parameters of its layers and a class token', () => {
    const block = 4 * (16 * 16 + 16) + 2 * 2 * 16 + (16 * 64 + 64) + (64 * 16 + 16);
    const cnn = (3 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16) * 9 + 4 + 4 + 8 + 8 + 16 + 16;
    expect(countParameters(encoder)).toBe(cnn + 16 + 2 * block + 2 * 16);
    expect(parameterSpecs(encoder)['class_token']!.shape).toEqual([16]);
  });
});
