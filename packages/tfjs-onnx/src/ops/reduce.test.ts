import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { checkGradients, expectTensor, floats, integers, ramp, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const x = ramp([2, 3]);
const of = (f: (x: tf.Tensor) => tf.Tensor, on = x): Case => ({ f: (t) => f(t['x']!), on: { x: on } });

describe.each(['onnx', 'tfjs'] as const)('reductions (%s)', (engine) => {
  it('Sum, Mean, Max, Min: over any axes, kept or not', async () => {
    const found = await results(
      {
        sum: of((t) => tf.sum(t)),
        rows: of((t) => tf.sum(t, 1)),
        kept: of((t) => tf.sum(t, -2, true)),
        both: of((t) => tf.sum(t, [0, 2]), ramp([2, 2, 2])),
        none: of((t) => tf.sum(t, [])),
        mean: of((t) => tf.mean(t, 0)),
        max: of((t) => tf.max(t, 0)),
        min: of((t) => tf.min(t, 1, true)),
        scalar: of((t) => tf.max(t), floats([], [7])),
      },
      engine,
    );
    expectTensor(found['sum'], [], [21]);
    expectTensor(found['rows'], [2], [6, 15]);
    expectTensor(found['kept'], [1, 3], [5, 7, 9]);
    expectTensor(found['both'], [2], [14, 22]);
    expectTensor(found['none'], [2, 3], [1, 2, 3, 4, 5, 6]);
    expectTensor(found['mean'], [3], [2.5, 3.5, 4.5]);
    expectTensor(found['max'], [3], [4, 5, 6]);
    expectTensor(found['min'], [2, 1], [1, 4]);
    expectTensor(found['scalar'], [], [7]);
  });

  it('of whole numbers: sums and extremes are whole, a mean is not', async () => {
    const i = integers([4], [-3, 0, 2, 7]);
    const found = await results({ sum: of(tf.sum, i), max: of(tf.max, i), min: of(tf.min, i), mean: of(tf.mean, i) }, engine);
    expect([found['sum'], found['max'], found['min']].map((t) => t!.data)).toEqual([Int32Array.of(6), Int32Array.of(7), Int32Array.of(-3)]);
    expectTensor(found['mean'], [], [1.5]);
    expect(found['mean']!.data).toBeInstanceOf(Float32Array);
  });

  it('let NaN and infinities through', async () => {
    const of2 = (f: (t: tf.Tensor) => tf.Tensor): Case => of(f, floats([3, 2], [1, NaN, 3, Infinity, -Infinity, 2]));
    const found = await results({ max: of2((t) => tf.max(t, 1)), min: of2((t) => tf.min(t, 1)), all: of2((t) => tf.max(t)) }, engine);
    expectTensor(found['max'], [3], [NaN, Infinity, 2]);
    expectTensor(found['min'], [3], [NaN, 3, -Infinity]);
    expectTensor(found['all'], [], [NaN]);
  });

  it('ArgMax: the first of the largest, along any axis', async () => {
    const found = await results(
      {
        rows: of((t) => tf.argMax(t, -1), floats([2, 3], [1, 3, 3, 9, 0, 4])),
        columns: of((t) => tf.argMax(t, 0)),
        vector: of((t) => tf.argMax(t), floats([3], [-2, -1, -3])),
      },
      engine,
    );
    expect(found['rows']!.data).toEqual(Int32Array.of(1, 0));
    expect(found['columns']!.data).toEqual(Int32Array.of(1, 1, 1));
    expect(found['vector']!.data).toEqual(Int32Array.of(1));
  });

  it('Softmax, LogSoftmax: shares of the last axis, however large the numbers are', async () => {
    const logits = floats([2, 2], [0, Math.log(3), 1000, 0]);
    const found = await results(
      {
        shares: of((t) => tf.softmax(t), logits),
        logs: of((t) => tf.logSoftmax(t), logits),
        one: of((t) => tf.softmax(t), floats([2, 1], [5, -5])),
      },
      engine,
    );
    expectTensor(found['shares'], [2, 2], [0.25, 0.75, 1, 0]);
    expectTensor(found['logs'], [2, 2], [Math.log(0.25), Math.log(0.75), 0, -1000]);
    expectTensor(found['one'], [2, 1], [1, 1]);
  });
});

it('LogSoftmax as a kernel, which tfjs itself does not call', async () => {
  const { y } = await results({
    y: of((t) => tf.engine().runKernel('LogSoftmax', { logits: t }, { axis: -1 }), floats([1, 2], [0, Math.log(3)])),
  });
  expectTensor(y, [1, 2], [Math.log(0.25), Math.log(0.75)]);
});

it('gradients are those of the functions', () =>
  checkGradients({
    Sum: of((t) => tf.sum(t, [0, 2]), wave([2, 3, 2])),
    Mean: of((t) => tf.mean(t, 1, true), wave([2, 3])),
    Max: of((t) => tf.max(t, 1), floats([2, 3], [0.1, 0.9, -0.4, 2, 1, 0])),
    Min: of((t) => tf.min(t, 0), floats([2, 3], [0.1, 0.9, -0.4, 2, 0.2, 1])),
    Softmax: of((t) => tf.softmax(t), wave([2, 3])),
    LogSoftmax: of((t) => tf.logSoftmax(t), wave([2, 3])),
    moments: of((t) => tf.moments(t, 1).variance, wave([2, 4])),
  }));
