import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { cholesky, lowerProduct, pivotedCholesky } from './cholesky.ts';
import { transpose, type Matrix } from './matrix.ts';

/** X' X of normal X: [n, d]. */
function gram(n: number, d: number): Matrix {
  const x = normal(3, 'gram', n, n * d);
  const data = new Float64Array(d * d);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) data[i * d + j]! += x[k * d + i]! * x[k * d + j]!;
  }
  return { data, rows: d, columns: d };
}

/** Largest entry of a - rows' rows. */
function error(a: Matrix, factor: Matrix): number {
  let worst = 0;
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.rows; j++) {
      let sum = a.data[i * a.rows + j]!;
      for (let k = 0; k < factor.rows; k++) sum -= factor.data[k * a.rows + i]! * factor.data[k * a.rows + j]!;
      worst = Math.max(worst, Math.abs(sum));
    }
  }
  return worst;
}

describe('cholesky', () => {
  it('is right for a matrix done by hand', async () => {
    const l = await cholesky({ data: Float64Array.of(4, 12, -16, 12, 37, -43, -16, -43, 98), rows: 3, columns: 3 });
    expect([...l!.data]).toEqual([2, 0, 0, 6, 1, 0, -8, 5, 3]);
  });
  it('factors a matrix of several blocks', async () => {
    const a = gram(310, 290);
    const l = (await cholesky(a))!;
    expect(error(a, transpose(l))).toBeLessThan(1e-11);
  });
  it('gives null for a singular matrix', async () => {
    expect(await cholesky(gram(30, 70))).toBeNull();
  });
});

describe('pivotedCholesky', () => {
  it.each([
    [30, 70],
    [150, 200],
    [1, 5],
  ])('finds rank %i of a %i-dimensional matrix', async (rank, d) => {
    const a = gram(rank, d);
    const { factor, dropped } = await pivotedCholesky(a);
    expect(factor.rows).toBe(rank);
    expect(error(a, factor)).toBeLessThan(1e-12 * rank);
    expect(dropped).toBeLessThan(1e-10);
  });
  it('takes the zero matrix', async () => {
    expect((await pivotedCholesky({ data: new Float64Array(9), rows: 3, columns: 3 })).factor.rows).toBe(0);
  });
});

describe('lowerProduct', () => {
  it('is the product of the transposed first factor and the second', async () => {
    const d = 530; // two blocks of rows
    const lower = (f: (i: number, j: number) => number): Matrix => ({
      data: Float64Array.from({ length: d * d }, (_, k) => (k % d <= Math.floor(k / d) ? f(Math.floor(k / d), k % d) : 0)),
      rows: d,
      columns: d,
    });
    const [a, b] = [lower((i, j) => Math.sin(i + 2 * j)), lower((i, j) => Math.cos(3 * i - j))];
    const got = await lowerProduct(a, b);
    for (const [i, j] of [
      [0, 0],
      [3, 500],
      [511, 2],
      [512, 512],
      [529, 529],
      [520, 7],
    ] as const) {
      let want = 0;
      for (let k = 0; k < d; k++) want += a.data[k * d + i]! * b.data[k * d + j]!;
      expect(got.data[i * d + j]).toBeCloseTo(want, 11);
    }
  });
});
