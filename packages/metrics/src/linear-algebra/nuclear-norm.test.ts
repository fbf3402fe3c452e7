import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Matrix } from './matrix.ts';
import { nuclearNorm, sumOfSingularValues } from './nuclear-norm.ts';

const matrix = (rows: number, columns: number, f: (i: number, j: number) => number): Matrix => ({
  data: Float64Array.from({ length: rows * columns }, (_, k) => f(Math.floor(k / columns), k % columns)),
  rows,
  columns,
});

/** The reflection I - 2 u u' / u'u: orthogonal, and full. */
function reflection(n: number): (i: number, j: number) => number {
  const u = Float64Array.from({ length: n }, (_, i) => 1 + Math.sin(i));
  const square = u.reduce((sum, x) => sum + x * x, 0);
  return (i, j) => (i === j ? 1 : 0) - (2 * u[i]! * u[j]!) / square;
}

describe('nuclearNorm', () => {
  it('is right for matrices done by hand', async () => {
    expect(await nuclearNorm(matrix(1, 1, () => -3))).toBe(3);
    expect(await nuclearNorm(matrix(2, 2, (i, j) => (i === j ? 3 + i : 0)))).toBe(7);
    // singular values (sqrt 5 + 1) / 2 and (sqrt 5 - 1) / 2
    expect(await nuclearNorm(matrix(2, 2, (i, j) => (j >= i ? 1 : 0)))).toBeCloseTo(Math.sqrt(5), 14);
    expect(await nuclearNorm(matrix(3, 2, () => 0))).toBe(0);
  });

  // 45: one panel and a part; 230: gathered updates are applied, and more follow.
  it.each([
    [1, 1],
    [45, 45],
    [230, 230],
    [70, 230],
    [230, 70],
  ])('finds known singular values of a %i x %i matrix', async (m, n) => {
    const left = reflection(m);
    const right = reflection(n);
    const rank = Math.min(m, n);
    const values = Array.from({ length: rank }, (_, k) => 1 / (1 + k) ** 3);
    const a = matrix(m, n, (i, j) => values.reduce((sum, s, k) => sum + s * left(i, k) * right(k, j), 0));
    expect(await nuclearNorm(a)).toBeCloseTo(
      values.reduce((x, y) => x + y),
      13,
    );
  });

  it('does not lose the small singular values of a singular matrix', async () => {
    // X X' of rank 40: the nuclear norm is the trace
    const x = normal(1, 'x', 0, 90 * 40);
    const gram = matrix(90, 90, (i, j) => {
      let sum = 0;
      for (let k = 0; k < 40; k++) sum += x[i * 40 + k]! * x[j * 40 + k]!;
      return sum;
    });
    let trace = 0;
    for (let i = 0; i < 90; i++) trace += gram.data[i * 91]!;
    expect(Math.abs((await nuclearNorm(gram)) / trace - 1)).toBeLessThan(1e-14);
  });

  it('does not depend on the scale', async () => {
    const a = (scale: number) => matrix(40, 40, (i, j) => scale * Math.sin(i * i + 3 * j));
    const one = await nuclearNorm(a(1));
    expect((await nuclearNorm(a(2 ** 900))) / 2 ** 900).toBe(one);
    expect((await nuclearNorm(a(2 ** -900))) * 2 ** 900).toBe(one);
  });

  it('refuses what is not finite', async () => {
    await expect(nuclearNorm(matrix(2, 2, (i) => (i === 1 ? Number.NaN : 1)))).rejects.toMatchObject({ code: 'not-finite' });
  });
});

describe('sumOfSingularValues', () => {
  const sum = (diagonal: readonly number[], above: readonly number[]) =>
    sumOfSingularValues({ diagonal: Float64Array.from(diagonal), above: Float64Array.from(above) });

  it('is right for matrices done by hand', () => {
    expect(sum([], [])).toBe(0);
    expect(sum([-2], [])).toBe(2);
    expect(sum([3, 4], [0])).toBe(7);
    // times its transpose: diag(2, [[1, 1], [1, 1]])
    expect(sum([1, 0, 1], [1, 1])).toBeCloseTo(2 * Math.SQRT2, 14);
    expect(sum([0, 0, 0], [1, 2])).toBeCloseTo(3, 14);
  });

  it('knows 2 cos(k pi / (2n + 1)) of ones', () => {
    for (const n of [3, 50, 333]) {
      const expected = Array.from({ length: n }, (_, k) => 2 * Math.cos(((k + 1) * Math.PI) / (2 * n + 1))).reduce((a, b) => a + b);
      expect(sum(Array<number>(n).fill(1), Array<number>(n - 1).fill(1)) / expected).toBeCloseTo(1, 13);
    }
  });

  it('gives the same for a matrix graded either way', () => {
    const x = normal(1, 'graded', 0, 399);
    const graded = Array.from(x, (z, i) => z * 10 ** (-i / 40));
    const diagonal = graded.filter((_, i) => i % 2 === 0);
    const above = graded.filter((_, i) => i % 2 === 1);
    expect(sum(diagonal.toReversed(), above.toReversed()) / sum(diagonal, above)).toBeCloseTo(1, 14);
  });
});
