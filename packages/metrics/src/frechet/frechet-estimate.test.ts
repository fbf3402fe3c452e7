import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../features/feature-vectors.ts';
import { frechetDifference, frechetEstimate } from './frechet-estimate.ts';

const random = (n: number, d: number, seed: number, shift = 0, scale = 1): Features => ({
  data: normal(seed, 'x', 0, n * d).map((x) => scale * x + shift),
  shape: [n, d],
});

describe('frechetEstimate', () => {
  it('takes away most of the bias, and covers the truth', async () => {
    const d = 4;
    const truth = d * (0.3 ** 2 + 0.1 ** 2);
    let raw = 0;
    let corrected = 0;
    let covered = 0;
    const trials = 12;
    for (let k = 0; k < trials; k++) {
      const e = await frechetEstimate(random(96, d, 2 * k), random(96, d, 2 * k + 1, 0.3, 1.1), { seed: k });
      raw += e.uncorrected / trials;
      corrected += e.value / trials;
      covered += Number(e.interval[0] <= truth && truth <= e.interval[1]);
      expect(e.asymptotic).toBe(true);
      expect(e.value).toBe(2 * e.uncorrected - e.halves);
    }
    expect(raw - truth).toBeGreaterThan(0.05);
    expect(Math.abs(corrected - truth)).toBeLessThan(0.05);
    expect(covered).toBeGreaterThanOrEqual(10);
  });
  it('says when the halves have fewer images than dimensions', async () => {
    const { asymptotic, uncorrected, value } = await frechetEstimate(random(40, 30, 1), random(40, 30, 2));
    expect(asymptotic).toBe(false);
    expect(value).toBeLessThan(uncorrected);
  });
  it('depends on nothing but its arguments', async () => {
    const a = random(32, 3, 1);
    const b = random(20, 3, 2);
    expect(await frechetEstimate(a, b, { seed: 1 })).toEqual(await frechetEstimate(a, b, { seed: 1 }));
    expect((await frechetEstimate(a, b, { seed: 1 })).halves).not.toBe((await frechetEstimate(a, b, { seed: 2 })).halves);
  });
  it('refuses too few images', async () => {
    await expect(frechetEstimate(random(15, 2, 1), random(40, 2, 1))).rejects.toMatchObject({ code: 'too-few-samples' });
  });
});

describe('frechetDifference', () => {
  it('is zero, without doubt, between a set and itself', async () => {
    const a = random(32, 3, 1);
    const { value, interval } = await frechetDifference(a, a, random(40, 3, 2));
    expect([value, ...interval]).toEqual([0, 0, 0]);
  });
  it('is the difference of the two estimates, and surer where the sets are paired', async () => {
    const reference = random(64, 3, 3);
    const a = random(64, 3, 1, 0.5);
    const b = { ...a, data: a.data.map((x) => x * 1.02) };
    const first = await frechetEstimate(a, reference);
    const second = await frechetEstimate(b, reference);
    const difference = await frechetDifference(a, b, reference);
    expect(difference.value).toBeCloseTo(first.value - second.value, 12);
    expect(difference.standardError).toBeLessThan(first.standardError / 3);
  });
});
