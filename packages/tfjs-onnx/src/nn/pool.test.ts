import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { nn, trace, valueAndGrads } from '../index.ts';
import { expectRefused, expectTensor, floats, ramp, results, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

/** One image of two channels: 1..9, and minus that. */
const x = floats(
  [1, 2, 3, 3],
  Array.from({ length: 18 }, (_, i) => (i < 9 ? i + 1 : 8 - i)),
);
const max = (kernel: number, options = {}): Case => ({ f: (t) => nn.maxPool2d(t['x']!, kernel, options), on: { x } });
const average = (kernel: number, options = {}): Case => ({ f: (t) => nn.avgPool2d(t['x']!, kernel, options), on: { x } });

describe.each(['onnx', 'tfjs'] as const)('pooling (%s)', (engine) => {
  it('takes the mean of the values in a window, padding left out', async () => {
    const found = await results({ padded: average(3, { padding: 1 }), halves: average(2, { stride: 2 }) }, engine);
    // A corner's window holds 1, 2, 4, 5; counting the padding it would be 12 / 9.
    const means = [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7];
    expectTensor(found['padded'], [1, 2, 3, 3], [...means, ...means.map((mean) => -mean)]);
    expectTensor(found['halves'], [1, 2, 1, 1], [3, -3]);
  });

  it('takes the largest value in a window, padding left out', async () => {
    const found = await results({ padded: max(3, { padding: 1 }), halves: max(2, { stride: 2 }) }, engine);
    // Zero padding would win over the second channel's negative values.
    expectTensor(found['padded'], [1, 2, 3, 3], [5, 6, 6, 8, 9, 9, 8, 9, 9, -1, -1, -2, -1, -1, -2, -4, -4, -5]);
    expectTensor(found['halves'], [1, 2, 1, 1], [5, -1]);
  });

  it('leaves out rows and columns that no whole window covers', async () => {
    const line: Case = { f: (t) => nn.maxPool2d(t['x']!, 2, { stride: 3 }), on: { x: ramp([1, 1, 2, 7]) } };
    // Windows over columns 0 and 1, 3 and 4 of rows 1..7 and 8..14; the last two columns are in none.
    const mean: Case = { f: (t) => nn.avgPool2d(t['x']!, 2, { stride: 3 }), on: { x: ramp([1, 1, 2, 7]) } };
    const padded: Case = { f: (t) => nn.avgPool2d(t['x']!, 2, { stride: 2, padding: 1 }), on: { x: ramp([1, 1, 2, 2]) } };
    const found = await results({ line, mean, padded, one: max(1) }, engine);
    expectTensor(found['line'], [1, 1, 1, 2], [9, 12]);
    expectTensor(found['mean'], [1, 1, 1, 2], [5, 8]);
    expectTensor(found['padded'], [1, 1, 2, 2], [1, 2, 3, 4]);
    expectTensor(found['one'], [1, 2, 3, 3], [...x.data]);
  });
});

it.each([
  ['windows that do not fit', max(4), /nn\.maxPool2d: expected .* got x \[1, 2, 3, 3\], kernel 4, padding 0/],
  ['windows of nothing but padding', average(2, { padding: 2 }), /padding of at most half the kernel/],
  ['a stride of 0', max(2, { stride: 0 }), /nn\.maxPool2d: .* a stride of at least 1.*stride 0/],
  ['half a kernel', average(1.5), /nn\.avgPool2d: .* kernel 1\.5/],
  ['negative padding', max(2, { padding: -1 }), /nn\.maxPool2d: .* padding -1/],
])('refuses %s', (_, one, message) => expectRefused(one, message));

it('has no gradient, and says so', () => {
  expect(() =>
    trace(({ inputs }) => ({ outputs: valueAndGrads(() => tf.sum(nn.maxPool2d(inputs['x']!, 2)), inputs).grads }), {
      inputs: { x: { shape: [1, 1, 2, 2] } },
    }),
  ).toThrow(/nn\.maxPool2d has no gradient/);
});
