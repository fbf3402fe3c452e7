import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { rowsAt, type Features } from '../features/feature-vectors.ts';
import { frechetDistance } from './frechet-distance.ts';
import { pairProducts } from './pair-products.ts';
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

/** The rows of features in another order. */
const turned = ({ data, shape }: Features, step: number): Features => {
  const [n, d] = shape as [number, number];
  const out = data.slice();
  for (let i = 0; i < n; i++) out.set(data.subarray(((i * step) % n) * d, ((i * step) % n) * d + d), i * d);
  return { data: out, shape };
};

// 96 images of 128 dimensions go by products of pairs, of 8 by statistics.
describe.each([128, 8])('frechetEstimate in %d dimensions', (d) => {
  const a = random(96, d, 1);
  const b = random(80, d, 2, 0.2);

  it('does not depend on the order of the images', async () => {
    const { value, standardError, halves, interval } = await frechetEstimate(a, b);
    const other = await frechetEstimate(turned(a, 5), turned(b, 7));
    for (const [x, y] of [
      [value, other.value],
      [standardError, other.standardError],
      [halves, other.halves],
      [interval[0], other.interval[0]],
    ] as const)
      expect(y).toBeCloseTo(x, 9);
  });

  it('is the distance that frechetDistance gives, halves included', async () => {
    const { distance, uncorrected } = await frechetEstimate(a, b);
    const plain = await frechetDistance(a, b);
    expect(uncorrected / plain.value).toBeCloseTo(1, 11);
    expect(distance.traceRoot / plain.traceRoot).toBeCloseTo(1, 11);
    expect(distance.meanTerm / plain.meanTerm).toBeCloseTo(1, 11);
  });

  it('is zero between a set and itself under other names', async () => {
    const { interval, uncorrected, halves } = await frechetEstimate(a, turned(a, 5));
    expect(uncorrected).toBeLessThan(1e-9);
    expect(halves).toBeLessThan(1e-9);
    expect(interval[0]).toBeLessThanOrEqual(0);
    expect(interval[1]).toBeGreaterThanOrEqual(0);
  });

  // 1 part in 200, as compression changes features: halves without their own copies are far apart, which is no bias of the whole.
  it('is what compression changed between a set and itself compressed again, under other names', async () => {
    const again = turned({ ...a, data: a.data.map((x, i) => x + 0.005 * Math.sin(7 * i)) }, 5);
    const { value, uncorrected, halves } = await frechetEstimate(a, again);
    for (const distance of [Math.abs(value), uncorrected, halves]) expect(distance).toBeLessThan(1e-4 * d);
    const unrelated = await frechetEstimate(a, random(96, d, 5));
    expect(unrelated.halves).toBeGreaterThan(0.1 * d);
  });

  it('tells images apart by keys, where the network makes a little other features of them', async () => {
    const keys = Array.from({ length: 96 }, (_, i) => `image ${i}`);
    const again = { ...a, data: a.data.map((x, i) => x * (1 + 1e-7 * (i % 3))) };
    const first = await frechetEstimate({ ...a, keys }, { ...b, keys: keys.slice(0, 80) });
    const second = await frechetEstimate({ ...again, keys }, { ...b, keys: keys.slice(0, 80) });
    expect(second.halves / first.halves).toBeCloseTo(1, 5);
    await expect(frechetEstimate({ ...a, keys: keys.slice(1) }, b)).rejects.toThrow('got 95 keys of 96 rows');
  });
});

it('between a set and a part of itself does not exclude zero', async () => {
  const a = random(96, 8, 1);
  const part = rowsAt(
    turned(a, 5),
    Uint32Array.from({ length: 70 }, (_, i) => i),
  );
  const { interval } = await frechetEstimate(a, part);
  expect(interval[0]).toBeLessThanOrEqual(0);
  expect(interval[1]).toBeGreaterThanOrEqual(0);
});

it('halves by products are halves by their own features', async () => {
  const [a, b] = [random(40, 30, 1), random(36, 30, 2, 0.1)];
  const products = await pairProducts(a, b);
  const [p, q] = [Uint32Array.of(3, 1, 8, 30, 39, 21), Uint32Array.of(5, 0, 35, 7)];
  const direct = await frechetDistance(rowsAt(a, p), rowsAt(b, q));
  const { value, first, second } = await products.distance(p, q);
  expect(value / direct.value).toBeCloseTo(1, 12);
  expect([first.trace / direct.first.trace, second.trace / direct.second.trace]).toEqual([expect.closeTo(1, 12), expect.closeTo(1, 12)]);
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
    expect(difference.uncorrected).toBeCloseTo(first.uncorrected - second.uncorrected, 12);
    expect(difference.standardError).toBeLessThan(first.standardError / 3);
  });
});
