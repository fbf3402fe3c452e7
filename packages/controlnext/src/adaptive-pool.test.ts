import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adaptiveAveragePool } from './adaptive-pool.ts';

beforeAll(() => tf.setBackend('cpu'));

const pooled = (values: number[][], size: [number, number]) => {
  const y = adaptiveAveragePool(tf.tensor4d([[values]]), size);
  expect(y.shape).toEqual([1, 1, ...size]);
  return [...y.dataSync()];
};

it('averages blocks where the sizes divide, and leaves equal sizes alone', () => {
  expect(
    pooled(
      [
        [1, 3, 5, 7],
        [1, 3, 5, 7],
      ],
      [1, 2],
    ),
  ).toEqual([2, 6]);
  const x = tf.zeros([1, 1, 2, 2]);
  expect(adaptiveAveragePool(x, [2, 2])).toBe(x);
});

it('overlaps windows where they do not: floor(i n/m) to ceil((i+1) n/m)', () => {
  // Columns 5 to 3: [0, 2), [1, 4), [3, 5). Rows 3 to 2: [0, 2), [1, 3).
  const row = [0, 2, 4, 6, 11];
  expect(pooled([row], [1, 3])).toEqual([1, 4, 8.5]);
  expect(pooled([row, row.map((v) => v + 1), row.map((v) => v + 5)], [2, 3])).toEqual([1.5, 4.5, 9, 4, 7, 11.5]);
});

it('repeats where the output is larger', () => {
  expect(pooled([[1, 3]], [1, 4])).toEqual([1, 1, 3, 3]);
});
