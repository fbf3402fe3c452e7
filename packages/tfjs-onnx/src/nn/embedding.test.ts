import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectTensor, floats, integers, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const embed: Case['f'] = (t) => nn.embedding(t['ids']!, t['w']!);
const table = floats([3, 2], [1, 2, 3, 4, 5, 6]);

describe.each(['onnx', 'tfjs'] as const)('embedding (%s)', (engine) => {
  it('takes rows of the table, ids of any rank', async () => {
    const found = await results(
      {
        rows: { f: embed, on: { ids: integers([2, 2], [2, 0, 2, 1]), w: table } },
        one: { f: embed, on: { ids: integers([1], [1]), w: table } },
        floats: { f: embed, on: { ids: floats([2], [0, 2]), w: table } },
      },
      engine,
    );
    expectTensor(found['rows'], [2, 2, 2], [5, 6, 1, 2, 5, 6, 3, 4]);
    expectTensor(found['one'], [1, 2], [3, 4]);
    expectTensor(found['floats'], [2, 2], [1, 2, 5, 6]);
  });

  it('adds up the gradients of a row that is taken twice, and gives the others none', async () => {
    const gradient: Case['f'] = (t) => valueAndGrads(() => tf.sum(tf.mul(embed(t), t['dy']!)), { w: t['w']! }).grads['w']!;
    const on = { ids: integers([1, 3], [2, 0, 2]), w: table, dy: floats([1, 3, 2], [1, 10, 2, 20, 3, 30]) };
    const found = await results({ w: { f: gradient, on } }, engine);
    expectTensor(found['w'], [3, 2], [2, 20, 0, 0, 4, 40]);
  });

  it.each([-1, 3])('has no row %i', async (id) => {
    await expect(results({ y: { f: embed, on: { ids: integers([1, 2], [0, id]), w: table } } }, engine)).rejects.toThrow(
      /out of data bounds|is not in \[0, 2\]/,
    );
  });
});

it('gradients are those of the function', () =>
  checkGradients({ table: { f: embed, on: { ids: integers([2, 3], [1, 1, 0, 3, 1, 0]), w: wave([4, 3]) } } }));
