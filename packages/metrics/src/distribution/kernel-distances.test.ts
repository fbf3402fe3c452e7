import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { rowsAt, type Features } from '../features/feature-vectors.ts';
import { cmmd } from './cmmd.ts';
import { kernelInceptionDistance } from './kernel-inception-distance.ts';

const rows = (...data: number[][]): Features => ({ data: Float64Array.from(data.flat()), shape: [data.length, data[0]!.length] });
const random = (n: number, d: number, seed: number, shift = 0): Features => ({
  data: normal(seed, 'x', 0, n * d).map((x) => x + shift),
  shape: [n, d],
});

/** The definition, pair by pair. */
function byPairs(a: Features, b: Features, kernel: (x: number[], y: number[]) => number): { unbiased: number; biased: number } {
  const of = ({ data, shape }: Features) =>
    Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)]);
  const [x, y] = [of(a), of(b)];
  const mean = (p: number[][], q: number[][], skip: boolean) => {
    let sum = 0;
    p.forEach((u, i) =>
      q.forEach((v, j) => {
        if (!skip || i !== j) sum += kernel(u, v);
      }),
    );
    return sum / (p.length * (skip ? q.length - 1 : q.length));
  };
  const between = 2 * mean(x, y, false);
  return { unbiased: mean(x, x, true) + mean(y, y, true) - between, biased: mean(x, x, false) + mean(y, y, false) - between };
}
const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);

describe('kernelInceptionDistance', () => {
  it('is right for numbers done by hand', async () => {
    // k(x, y) = (x y + 1)^3: within {0, 1} 1, within {1, 2} 27, between 1, 1, 8 and 27
    const { unbiased, biased } = await kernelInceptionDistance(rows([0], [1]), rows([1], [2]));
    expect(unbiased).toBeCloseTo(1 + 27 - (2 * (1 + 1 + 8 + 27)) / 4, 12);
    expect(biased).toBeCloseTo((1 + 1 + 1 + 8) / 4 + (8 + 27 + 27 + 125) / 4 - (2 * 37) / 4, 12);
  });
  it('agrees with the definition over several blocks', async () => {
    const a = random(1100, 3, 1);
    const b = random(40, 3, 2, 0.3);
    const want = byPairs(a, b, (x, y) => (dot(x, y) / 3 + 1) ** 3);
    const got = await kernelInceptionDistance(a, b);
    expect(got.unbiased).toBeCloseTo(want.unbiased, 10);
    expect(got.biased).toBeCloseTo(want.biased, 10);
    expect([got.n, got.m]).toEqual([1100, 40]);
  });
  it('gives a standard error that fits the spread of repetitions', async () => {
    const values = [];
    let errors = 0;
    for (let k = 0; k < 60; k++) {
      const { unbiased, standardError } = await kernelInceptionDistance(random(60, 4, 2 * k), random(80, 4, 2 * k + 1, 0.6));
      values.push(unbiased);
      errors += standardError ** 2 / 60;
    }
    const mean = values.reduce((a, b) => a + b) / 60;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / 59;
    expect(Math.sqrt(errors / variance)).toBeGreaterThan(0.75);
    expect(Math.sqrt(errors / variance)).toBeLessThan(1.4);
  });
  it('counts images, not their copies: pairs of copies are left out, and copies are no samples of their own', async () => {
    const twice = (set: Features): Features =>
      rowsAt(
        set,
        Uint32Array.from({ length: 2 * set.shape[0]! }, (_, i) => i >> 1),
      );
    let covered = 0;
    for (let k = 0; k < 20; k++) {
      const [a, b] = [random(50, 64, 2 * k), random(50, 64, 2 * k + 1)];
      const [plain, doubled] = [await kernelInceptionDistance(a, b), await kernelInceptionDistance(twice(a), twice(b))];
      expect([doubled.n, doubled.m]).toEqual([50, 50]);
      expect(doubled.unbiased).toBeCloseTo(plain.unbiased, 10);
      expect(doubled.standardError / plain.standardError).toBeCloseTo(1, 10);
      covered += Number(Math.abs(doubled.unbiased) < 1.96 * doubled.standardError);
    }
    expect(covered).toBeGreaterThanOrEqual(19);
    await expect(kernelInceptionDistance(rows([1], [1]), rows([0], [1]))).rejects.toMatchObject({ code: 'too-few-samples' });
  });
  it('refuses what cannot be compared', async () => {
    await expect(kernelInceptionDistance(rows([0], [1]), rows([0, 1], [1, 2]))).rejects.toMatchObject({ code: 'invalid-shape' });
    await expect(kernelInceptionDistance(rows([0], [1]), rows([0]))).rejects.toMatchObject({
      code: 'too-few-samples',
      message: expect.stringContaining('second set has 1 rows') as string,
    });
    await expect(kernelInceptionDistance(rows([0], [Number.NaN]), rows([0], [1]))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('first set: feature 0 of row 1') as string,
    });
  });
});

describe('cmmd', () => {
  it('is the Gaussian kernel of directions, times 1000', async () => {
    const a = random(30, 5, 3);
    const b = random(25, 5, 4, 0.5);
    const want = byPairs(a, b, (x, y) => Math.exp(-(2 - (2 * dot(x, y)) / Math.sqrt(dot(x, x) * dot(y, y))) / 200));
    const got = await cmmd(a, b);
    expect(got.unbiased).toBeCloseTo(1000 * want.unbiased, 9);
    expect(got.biased).toBeCloseTo(1000 * want.biased, 9);
    expect((await cmmd({ ...a, data: a.data.map((x) => 7 * x) }, b)).unbiased).toBeCloseTo(got.unbiased, 4); // float32 times 7 rounds
  });
  it('is zero between a set and itself, with the pairs of a row with itself', async () => {
    const a = random(30, 5, 3);
    expect(Math.abs((await cmmd(a, a)).biased)).toBeLessThan(1e-11);
  });
  it('refuses a row without direction', async () => {
    await expect(cmmd(rows([1, 0], [0, 0]), rows([1, 0], [0, 1]))).rejects.toThrow('first set: row 1 is zero');
  });
});
