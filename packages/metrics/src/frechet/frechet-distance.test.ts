import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../features/feature-vectors.ts';
import { gatherStatistics } from './feature-statistics.ts';
import { frechetDistance } from './frechet-distance.ts';

const provenance = { network: 'mini-inception', weightsHash: 'ab', preset: 'clean', dtype: 'float32' };
const rows = (...data: number[][]): Features => ({ data: Float64Array.from(data.flat()), shape: [data.length, data[0]!.length] });
const random = (n: number, d: number, seed: number, rank = d): Features => {
  const z = normal(seed, 'z', 0, n * rank);
  const mix = normal(99, 'mix', 0, rank * d);
  const data = new Float64Array(n * d);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < d; j++)
      for (let k = 0; k < rank; k++) data[i * d + j]! += z[i * rank + k]! * (rank === d ? Number(j === k) / (1 + j) : mix[k * d + j]!);
  return { data, shape: [n, d] };
};
const statisticsOf = (features: Features) => gatherStatistics(features, provenance);

describe('frechetDistance', () => {
  it('is right for Gaussians done by hand', async () => {
    // one dimension: (mu1 - mu2)^2 + (sigma1 - sigma2)^2 with sigma 1 and 3
    const a = rows([-1], [0], [1]);
    const b = rows([4 - 3], [4], [4 + 3]);
    const { value, meanTerm, traceRoot, first } = await frechetDistance(a, b);
    expect(value).toBeCloseTo(16 + 4, 13);
    expect(meanTerm).toBe(16);
    expect(traceRoot).toBeCloseTo(3, 13);
    expect(first).toEqual({ n: 3, method: 'cholesky', rank: 1, trace: 1, residual: 0 });
    // perpendicular lines: nothing in common but the origin, so the traces 2 and 8 add up
    expect((await frechetDistance(rows([1, 0], [-1, 0]), rows([0, 2], [0, -2]))).value).toBeCloseTo(2 + 8, 13);
  });

  it('agrees between features and statistics, whatever the ranks', async () => {
    for (const [n, m, d, rank] of [
      [80, 90, 20, 20],
      [15, 12, 20, 20],
      [15, 90, 20, 20],
      [80, 90, 20, 5],
    ] as const) {
      const a = random(n, d, 1, rank);
      const b = random(m, d, 2, rank);
      const fromFeatures = await frechetDistance(a, b);
      const fromStatistics = await frechetDistance(await statisticsOf(a), await statisticsOf(b));
      expect(Math.abs(fromFeatures.value - fromStatistics.value)).toBeLessThan(1e-11);
      expect(fromStatistics.first.rank).toBe(Math.min(n - 1, rank));
      expect(fromStatistics.first.method).toBe(Math.min(n - 1, rank) === d ? 'cholesky' : 'pivoted-cholesky');
    }
  });

  it('is zero from a set to itself, whatever the rank', async () => {
    for (const [n, d, rank] of [
      [80, 20, 20],
      [15, 20, 20],
      [80, 20, 5],
      [2, 20, 20],
      [21, 20, 20],
    ] as const) {
      const a = random(n, d, 1, rank);
      const copy = { data: a.data.slice(), shape: a.shape };
      expect((await frechetDistance(a, copy)).value).toBeLessThan(1e-11);
      expect((await frechetDistance(await statisticsOf(a), await statisticsOf(copy))).value).toBeLessThan(1e-11);
      expect((await frechetDistance(a, await statisticsOf(copy))).value).toBeLessThan(1e-11);
    }
  });

  it('says what was lost in a singular covariance', async () => {
    const { first, second, errorBound } = await frechetDistance(await statisticsOf(random(15, 20, 1)), random(15, 20, 2));
    expect(first.method).toBe('pivoted-cholesky');
    expect(second.method).toBe('features');
    expect(first.residual).toBeLessThan(1e-13);
    expect(errorBound).toBe(2 * Math.sqrt(first.residual * second.trace));
  });

  it('takes sets without any spread', async () => {
    const point = rows([1, 2], [1, 2], [1, 2]);
    expect((await frechetDistance(point, rows([1, 2], [1, 4]))).value).toBeCloseTo(1 + 2, 13);
    expect((await frechetDistance(point, point)).value).toBe(0);
  });

  it('refuses other dimensions, single rows, NaN and other provenance', async () => {
    const a = rows([1, 2], [3, 4]);
    await expect(frechetDistance(a, rows([1], [2]))).rejects.toMatchObject({
      code: 'invalid-shape',
      message: expect.stringContaining('dimension 2 and 1') as string,
    });
    await expect(frechetDistance(a, rows([1, 2]))).rejects.toMatchObject({
      code: 'too-few-samples',
      message: expect.stringContaining('second set') as string,
    });
    await expect(frechetDistance(a, rows([1, 2], [Infinity, 2]))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('feature 0 of row 1 is Infinity') as string,
    });
    const s = await statisticsOf(a);
    await expect(frechetDistance(s, { ...s, provenance: { ...provenance, network: 'inception' } })).rejects.toMatchObject({
      code: 'provenance-mismatch',
    });
  });
});
