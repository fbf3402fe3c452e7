import { expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { solveRows } from './triangular-solve.ts';

it('is right for a triangle done by hand', () => {
  // L = [[2, 0], [1, 4]]: (1, 2) L' = (2, 9)
  const x = Float64Array.of(2, 9, -4, 14);
  solveRows(x, 2, Float64Array.of(2, 1, Number.NaN, 4));
  expect([...x]).toEqual([1, 2, -2, 4]);
});

// 300 rows: one chunk and a part; 1 row alone.
it.each([
  [300, 32],
  [257, 31],
  [1, 32],
  [5, 1],
  [0, 7],
])('undoes a product of %i rows with a triangle of %i columns', (rows, n) => {
  const random = normal(5, 'triangle', n, n * n);
  const transposed = random.map((z, k) => (k % n === Math.floor(k / n) ? 3 + Math.abs(z) : k % n > Math.floor(k / n) ? z / 4 : 0));
  const expected = normal(5, 'rows', n, rows * n);
  const x = new Float64Array(rows * n);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k <= j; k++) x[i * n + j]! += expected[i * n + k]! * transposed[k * n + j]!;
  solveRows(x, n, Float64Array.from(transposed));
  x.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-13));
});
