import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { rowsAt, type Features } from '../features/feature-vectors.ts';
import { frechetDistance } from './frechet-distance.ts';
import { addNearCopies } from './near-copies.ts';
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

describe('addNearCopies', () => {
  /** The distances of all pairs, one by one. */
  function allPairs(a: Features, b: Features): number[] {
    const [n, m, d] = [a.shape[0]!, b.shape[0]!, a.shape[1]!];
    const squared = Array.from({ length: n }, (_, i) =>
      Array.from({ length: m }, (__, j) => {
        let sum = 0;
        for (let c = 0; c < d; c++) sum += (a.data[i * d + c]! - b.data[j * d + c]!) ** 2;
        return sum;
      }),
    );
    const alone = (all: readonly number[], at: number): boolean => all.every((x, k) => k === at || all[at]! <= x / 16);
    const column = (j: number): number[] => squared.map((row) => row[j]!);
    return squared.map((row, i) => row.findIndex((_, j) => alone(row, j) && alone(column(j), i)));
  }

  // In 100 dimensions the sets' span, of 64 rows, holds a part of each distance.
  it.each([2, 100])('finds in %d dimensions those that all pairs tell, in sets of clusters too', async (d) => {
    for (const seed of [1, 2, 3]) {
      const centres = random(12, d, seed, 0, 20);
      const clustered = (n: number, own: number, spread: number): Features => {
        const set = random(n, d, own, 0, spread);
        set.data.forEach((_, k) => (set.data[k]! += centres.data[(Math.floor(k / d) % 12) * d + (k % d)]!));
        return set;
      };
      const [a, b] = [clustered(150, 10 * seed, 1), clustered(170, 10 * seed + 1, 1)];
      const noise = random(150, d, 10 * seed + 2);
      // Every third row of the first set is in the second, changed by more and more: clearly a copy, barely, and none.
      for (let i = 0; i < 150; i += 3)
        for (let c = 0; c < d; c++) b.data[(169 - i) * d + c] = a.data[i * d + c]! + (i / 150) * noise.data[i * d + c]!;
      const partners = new Int32Array(150).fill(-1);
      await addNearCopies(partners, a, b);
      expect([...partners]).toEqual(allPairs(a, b));
      const copies = partners.filter((j) => j >= 0).length;
      expect(copies).toBeGreaterThan(5);
      expect(copies).toBeLessThan(50);
    }
  });

  it('takes rows of no direction, none to choose from, and the same ones many times', async () => {
    const flat = { data: new Float32Array(3000), shape: [1000, 3] };
    const partners = new Int32Array(1000).fill(-1);
    await addNearCopies(partners, flat, flat);
    expect(partners[0]).toBe(0);
    const rest = Int32Array.from({ length: 1000 }, (_, i) => (i === 7 ? -1 : i));
    await addNearCopies(rest, flat, flat);
    expect(rest[7]).toBe(-1);
  });
});

it('covers the truth where each image is in its set twice, which halves that share copies do not', async () => {
  const twice = (set: Features): Features =>
    rowsAt(
      set,
      Uint32Array.from({ length: 2 * set.shape[0]! }, (_, i) => i >> 1),
    );
  let [raw, corrected, covered] = [0, 0, 0];
  for (let k = 0; k < 10; k++) {
    const [a, b] = [random(96, 8, 2 * k), random(96, 8, 2 * k + 1)];
    const { uncorrected, value, interval } = await frechetEstimate(twice(a), twice(b));
    raw += uncorrected / 10;
    corrected += value / 10;
    covered += Number(interval[0] <= 0 && 0 <= interval[1]);
  }
  expect(raw).toBeGreaterThan(0.4);
  expect(Math.abs(corrected)).toBeLessThan(0.1);
  expect(covered).toBeGreaterThanOrEqual(9);
  // 20 different images, of 80.
  const few = rowsAt(
    random(20, 4, 1),
    Uint32Array.from({ length: 80 }, (_, i) => i % 20),
  );
  expect((await frechetEstimate(few, random(80, 4, 2))).asymptotic).toBe(true);
  expect((await frechetEstimate(twice(random(20, 8, 1)), random(80, 8, 2))).asymptotic).toBe(false);
  await expect(frechetEstimate(twice(random(15, 4, 1)), random(40, 4, 2))).rejects.toThrow(
    '16 different images are needed for eight groups, got 15',
  );
});

// Above 4,096 a set the products of all pairs are not held.
it('is what compression changed in large sets as well', async () => {
  const a = random(4200, 2, 1);
  const again = turned({ ...a, data: a.data.map((x, i) => x + 1e-5 * Math.sin(7 * i)) }, 11);
  const { value, halves } = await frechetEstimate(a, again);
  expect(Math.abs(value)).toBeLessThan(1e-6);
  expect(halves).toBeLessThan(1e-6);
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
