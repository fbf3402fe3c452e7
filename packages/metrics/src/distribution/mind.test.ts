import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../features/feature-vectors.ts';
import { mind } from './mind.ts';

const random = (n: number, d: number, seed: number, shift = 0): Features => ({
  data: normal(seed, 'x', 0, n * d).map((x) => x + shift),
  shape: [n, d],
});

describe('mind', () => {
  it('is exact in one dimension, also between sets of different sizes', async () => {
    // directions are +-1; quantile functions 0, 3 and 0, 1, 5: (0 - 0)^2 / 3 + (0 - 1)^2 / 6 + (3 - 1)^2 / 6 + (3 - 5)^2 / 3
    const { value, standardError } = await mind(
      { data: Float64Array.of(3, 0), shape: [2, 1] },
      { data: Float64Array.of(5, 0, 1), shape: [3, 1] },
    );
    expect(value).toBeCloseTo(3 * (1 / 6 + 4 / 6 + 4 / 3), 12);
    expect(standardError).toBeLessThan(1e-12);
  });
  it('is three times the squared distance between a set and its shifted copy', async () => {
    // a shift s moves the projection on u by s . u, whose square has mean |s|^2 / D
    const a = random(50, 6, 1);
    const { value, standardError } = await mind(a, { ...a, data: a.data.map((x) => x + 0.5) });
    expect(Math.abs(value - 3 * 6 * 0.25)).toBeLessThan(4 * standardError);
    expect(standardError).toBeLessThan(0.2);
  });
  it('is zero from a set to itself, and depends on nothing but its arguments', async () => {
    const a = random(50, 6, 1);
    const b = random(40, 6, 2);
    expect((await mind(a, a)).value).toBe(0);
    expect(await mind(a, b, { directions: 100 })).toEqual(await mind(a, b, { directions: 100 }));
    expect((await mind(a, b, { seed: 1 })).value).not.toBe((await mind(a, b)).value);
  });
  it('refuses fewer than two directions', async () => {
    await expect(mind(random(5, 2, 1), random(5, 2, 2), { directions: 1 })).rejects.toMatchObject({ code: 'invalid-option' });
  });
});
