import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { checkGradients, expectTensor, floats, integers, ramp, results, wave } from '../testing/cases.ts';

await tf.setBackend('cpu');

describe.each(['onnx', 'tfjs'] as const)('indices (%s)', (engine) => {
  it('GatherV2: entries along any axis, by indices of any rank', async () => {
    const x = ramp([2, 3]);
    const found = await results(
      {
        rows: { f: (t) => tf.gather(t['x']!, t['i']!), on: { x, i: integers([3], [1, 0, 1]) } },
        columns: { f: (t) => tf.gather(t['x']!, t['i']!, -1), on: { x, i: integers([2], [2, 0]) } },
        square: { f: (t) => tf.gather(t['x']!, t['i']!), on: { x: ramp([3]), i: integers([2, 2], [2, 1, 0, 2]) } },
        integers: { f: (t) => tf.gather(t['x']!, t['i']!), on: { x: integers([2], [7, 8]), i: integers([1], [1]) } },
      },
      engine,
    );
    expectTensor(found['rows'], [3, 3], [4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expectTensor(found['columns'], [2, 2], [3, 1, 6, 4]);
    expectTensor(found['square'], [2, 2], [3, 2, 1, 3]);
    expect(found['integers']!.data).toEqual(Int32Array.of(8));
  });

  it('GatherV2: a negative index is none from the end', async () => {
    const one = { f: (t: Record<string, tf.Tensor>) => tf.gather(t['x']!, t['i']!, 1), on: { x: ramp([2, 3]), i: integers([1], [-1]) } };
    await expect(results({ one }, engine)).rejects.toThrow(/out of data bounds|is not in \[0, 2\]/);
  });

  it('OneHot: int32 unless told, and an index of no class is none', async () => {
    const on = { i: integers([4], [0, 2, -1, 3]) };
    const found = await results(
      {
        plain: { f: (t) => tf.oneHot(t['i']!, 3), on },
        values: { f: (t) => tf.oneHot(t['i']!, 3, 5, -1, 'float32'), on },
        square: { f: (t) => tf.oneHot(t['i']!, 2), on: { i: integers([1, 2], [1, 0]) } },
      },
      engine,
    );
    expect(found['plain']!.data).toEqual(Int32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    expectTensor(found['values'], [4, 3], [5, -1, -1, -1, -1, 5, -1, -1, -1, -1, -1, -1]);
    expect(found['values']!.data).toBeInstanceOf(Float32Array);
    expectTensor(found['square'], [1, 2, 2], [0, 1, 1, 0]);
  });
});

it('nn.Embedding, nn.EmbeddingGrad: rows, and the sum of what comes back to each', async () => {
  const ids = integers([1, 3], [2, 0, 2]);
  const found = await results({
    rows: { f: (t) => runKernel('nn.Embedding', t), on: { ids, weight: ramp([3, 2]) } },
    back: { f: (t) => runKernel('nn.EmbeddingGrad', t, { rows: 4 }), on: { ids, dy: floats([1, 3, 2], [1, 10, 2, 20, 3, 30]) } },
  });
  expectTensor(found['rows'], [1, 3, 2], [5, 6, 1, 2, 5, 6]);
  expectTensor(found['back'], [4, 2], [2, 20, 0, 0, 4, 40, 0, 0]);
});

it('OneHot times a table has the table’s gradient', () =>
  checkGradients({
    table: { f: (t) => tf.matMul(tf.oneHot(t['i']!, 3, 1, 0, 'float32'), t['w']!), on: { i: integers([3], [1, 1, 0]), w: wave([3, 2]) } },
  }));
