import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const norm =
  (eps = 1e-5): Case['f'] =>
  (t) =>
    nn.layerNorm(t['x']!, t['w']!, t['b']!, eps);

describe.each(['onnx', 'tfjs'] as const)('layerNorm (%s)', (engine) => {
  it('normalises the last axis, then weighs it', async () => {
    const plain = { w: floats([2], [1, 1]), b: floats([2], [0, 0]) };
    const found = await results(
      {
        rows: { f: norm(1e-10), on: { x: floats([1, 2, 2], [1, 3, 2, 10]), w: floats([2], [2, 3]), b: floats([2], [0, -1]) } },
        eps: { f: norm(3), on: { x: floats([1, 2], [1, 3]), ...plain } },
        vector: { f: norm(0), on: { x: floats([2], [-4, 4]), ...plain } },
        single: { f: norm(), on: { x: floats([3, 1], [5, -7, 9]), w: floats([1], [9]), b: floats([1], [2]) } },
        constant: { f: norm(), on: { x: floats([1, 2], [5, 5]), ...plain } },
      },
      engine,
    );
    expectTensor(found['rows'], [1, 2, 2], [-2, 2, -2, 2], 'rows');
    expectTensor(found['eps'], [1, 2], [-0.5, 0.5], 'eps');
    expectTensor(found['vector'], [2], [-1, 1], 'vector');
    expectTensor(found['single'], [3, 1], [2, 2, 2], 'single');
    expectTensor(found['constant'], [1, 2], [0, 0], 'constant');
  });

  it('has the gradients that are worked out by hand', async () => {
    // Of [1, 3] with eps 3: 1/std 1/2, normal -1/2 and 1/2. dy [1, 0] with weights [2, 1] is [2, 0] before them, of mean 1 and slope -1/2.
    const gradient =
      (name: 'x' | 'w' | 'b'): Case['f'] =>
      (t) =>
        valueAndGrads(() => tf.sum(tf.mul(norm(3)(t), tf.tensor([1, 0]))), t).grads[name]!;
    const on = { x: floats([1, 2], [1, 3]), w: floats([2], [2, 1]), b: floats([2], [0, 0]) };
    const found = await results({ x: { f: gradient('x'), on }, w: { f: gradient('w'), on }, b: { f: gradient('b'), on } }, engine);
    expectTensor(found['x'], [1, 2], [0.375, -0.375]);
    expectTensor(found['w'], [2], [-0.5, 0]);
    expectTensor(found['b'], [2], [1, 0]);
  });
});

it('gradients are those of the function', () =>
  checkGradients({
    rows: { f: norm(), on: { x: wave([2, 3, 5]), w: wave([5], 2), b: wave([5], 3) } },
    vector: { f: norm(1e-3), on: { x: wave([4]), w: wave([4], 2), b: wave([4], 3) } },
    single: { f: norm(), on: { x: wave([3, 1]), w: wave([1], 2), b: wave([1], 3) } },
  }));

it('refuses weights of another width', () =>
  expectRefused(
    { f: norm(), on: { x: wave([2, 3]), w: wave([3]), b: wave([2]) } },
    /nn\.layerNorm: expected .* got x \[2, 3\], weight \[3\], bias \[2\]/,
  ));
