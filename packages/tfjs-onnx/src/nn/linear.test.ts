import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const linear: Case['f'] = (t) => nn.linear(t['x']!, t['w']!, t['b'] ?? null);
const w = floats([2, 3], [1, 2, 3, 4, 5, 6]);

describe.each(['onnx', 'tfjs'] as const)('linear (%s)', (engine) => {
  it('is x times the transposed weight, of any rank', async () => {
    const found = await results(
      {
        rows: { f: linear, on: { x: floats([2, 3], [1, 0, 0, 0, 1, -1]), w, b: floats([2], [10, 20]) } },
        vector: { f: linear, on: { x: floats([3], [1, 1, 1]), w } },
        four: { f: linear, on: { x: floats([1, 2, 1, 1], [3, -1]), w: floats([1, 1], [5]), b: floats([1], [1]) } },
      },
      engine,
    );
    expectTensor(found['rows'], [2, 2], [11, 24, 9, 19]);
    expectTensor(found['vector'], [2], [6, 15]);
    expectTensor(found['four'], [1, 2, 1, 1], [16, -4]);
  });

  it('has the gradients that are worked out by hand', async () => {
    const gradient =
      (name: 'x' | 'w' | 'b'): Case['f'] =>
      (t) =>
        valueAndGrads(() => tf.sum(tf.mul(linear(t), tf.tensor([1, 10]))), t).grads[name]!;
    const on = { x: floats([2, 3], [1, 2, 3, 4, 5, 6]), w, b: floats([2], [0, 0]) };
    const found = await results({ x: { f: gradient('x'), on }, w: { f: gradient('w'), on }, b: { f: gradient('b'), on } }, engine);
    expectTensor(found['x'], [2, 3], [41, 52, 63, 41, 52, 63]);
    expectTensor(found['w'], [2, 3], [5, 7, 9, 50, 70, 90]);
    expectTensor(found['b'], [2], [2, 20]);
  });
});

it('gradients are those of the function', () =>
  checkGradients({
    rows: { f: linear, on: { x: wave([2, 2, 3]), w: wave([4, 3], 2), b: wave([4], 3) } },
    vector: { f: linear, on: { x: wave([3]), w: wave([1, 3], 2) } },
    one: { f: linear, on: { x: wave([1, 1]), w: wave([1, 1], 2), b: wave([1], 3) } },
  }));

it.each([
  ['another width', [2, 3], [4, 2], [4]],
  ['a bias of another width', [2, 3], [4, 3], [3]],
  ['a bias of rows', [2, 3], [4, 3], [4, 1]],
  ['a number', [], [4, 1], [4]],
])('refuses %s', (_, x, weight, b) =>
  expectRefused(
    { f: linear, on: { x: wave(x), w: wave(weight), b: wave(b) } },
    /nn\.linear: expected x \[\.\.\., I\], weight \[O, I\] and bias \[O\]/,
  ),
);
