import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const norm =
  (groups: number, eps = 1e-5, silu = false): Case['f'] =>
  (t) =>
    nn.groupNorm(t['x']!, t['w']!, t['b']!, groups, eps, { silu });
const ones = (c: number) => floats([c], Array<number>(c).fill(1));
const zeros = (c: number) => floats([c], Array<number>(c).fill(0));

describe.each(['onnx', 'tfjs'] as const)('groupNorm (%s)', (engine) => {
  it('normalises each group of each sample, then weighs each channel', async () => {
    const found = await results(
      {
        // Means 2 and 6, deviations 1 and 4: everything becomes -1 and 1.
        channels: {
          f: norm(2, 1e-10),
          on: { x: floats([1, 4, 1, 1], [1, 3, 2, 10]), w: floats([4], [1, 2, 3, 4]), b: floats([4], [0, 1, 0, -1]) },
        },
        // A group over two channels and two places: mean 3, variance 5.
        places: {
          f: norm(1, 0),
          on: { x: floats([1, 2, 1, 2], [0, 2, 4, 6]), w: floats([2], [Math.sqrt(5), 2 * Math.sqrt(5)]), b: zeros(2) },
        },
        // eps is inside the root: 1 / sqrt(1 + 3).
        eps: { f: norm(1, 3), on: { x: floats([1, 2, 1, 1], [1, 3]), w: ones(2), b: zeros(2) } },
        samples: { f: norm(1, 1e-10), on: { x: floats([2, 2, 1, 1], [1, 3, 100, 300]), w: ones(2), b: zeros(2) } },
        silu: { f: norm(1, 1e-10, true), on: { x: floats([1, 2, 1, 1], [1, 3]), w: ones(2), b: zeros(2) } },
        // A group of one element is its mean, and a constant one has no deviation: the bias remains.
        single: { f: norm(3), on: { x: floats([2, 3, 1, 1], [5, -7, 9, 1, 2, 3]), w: floats([3], [9, 9, 9]), b: floats([3], [1, 2, 3]) } },
        constant: { f: norm(1), on: { x: floats([1, 1, 2, 2], [7, 7, 7, 7]), w: floats([1], [9]), b: floats([1], [4]) } },
        // The mean is taken off before squares are: nothing cancels.
        offset: { f: norm(1, 0), on: { x: floats([1, 2, 1, 1], [1e4 + 1, 1e4 + 3]), w: ones(2), b: zeros(2) } },
      },
      engine,
    );
    expectTensor(found['channels'], [1, 4, 1, 1], [-1, 3, -3, 3], 'channels');
    expectTensor(found['places'], [1, 2, 1, 2], [-3, -1, 2, 6], 'places');
    expectTensor(found['eps'], [1, 2, 1, 1], [-0.5, 0.5], 'eps');
    expectTensor(found['samples'], [2, 2, 1, 1], [-1, 1, -1, 1], 'samples');
    expectTensor(found['silu'], [1, 2, 1, 1], [-0.2689414, 0.7310586], 'silu');
    expectTensor(found['single'], [2, 3, 1, 1], [1, 2, 3, 1, 2, 3], 'single');
    expectTensor(found['constant'], [1, 1, 2, 2], [4, 4, 4, 4], 'constant');
    expectTensor(found['offset'], [1, 2, 1, 1], [-1, 1], 'offset');
  });

  it('gives a group of one element no gradient, and the bias one a sample', async () => {
    const gradient =
      (name: 'x' | 'w' | 'b'): Case['f'] =>
      (t) =>
        valueAndGrads(() => tf.sum(norm(2)(t)), t).grads[name]!;
    const on = { x: floats([3, 2, 1, 1], [5, -7, 9, 1, 2, 3]), w: floats([2], [2, 3]), b: zeros(2) };
    const found = await results({ x: { f: gradient('x'), on }, w: { f: gradient('w'), on }, b: { f: gradient('b'), on } }, engine);
    expectTensor(found['x'], [3, 2, 1, 1], [0, 0, 0, 0, 0, 0]);
    expectTensor(found['w'], [2], [0, 0]);
    expectTensor(found['b'], [2], [3, 3]);
  });
});

const on = (shape: number[], c: number) => ({ x: wave(shape), w: wave([c], 2), b: wave([c], 3) });

it('gradients are those of the function, with SiLU and without', () =>
  checkGradients({
    groups: { f: norm(2), on: on([2, 4, 2, 1], 4) },
    silu: { f: norm(2, 1e-3, true), on: on([2, 4, 1, 3], 4) },
    odd: { f: norm(3, 1e-5, true), on: on([1, 3, 3, 1], 3) },
    one: { f: norm(1), on: on([1, 3, 1, 1], 3) },
    perChannel: { f: norm(2), on: on([2, 2, 1, 3], 2) },
    large: { f: norm(1, 1), on: on([1, 2, 2, 2], 2) },
  }));

it.each([
  ['groups that do not divide', 2, [1, 3, 1, 1], 3],
  ['no groups', 0, [1, 3, 1, 1], 3],
  ['fewer than no groups', -1, [1, 3, 1, 1], 3],
  ['half a group', 0.5, [1, 3, 1, 1], 3],
  ['weights of other channels', 1, [1, 3, 1, 1], 2],
  ['a sequence', 1, [1, 3, 1], 3],
])('refuses %s', (_, groups, shape, c) =>
  expectRefused({ f: norm(groups), on: on(shape, c) }, /nn\.groupNorm: expected x \[N, C, H, W\] with C divisible by/),
);
