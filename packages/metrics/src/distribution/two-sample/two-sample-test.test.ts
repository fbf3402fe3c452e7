import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { rowsAt, type Features } from '../../features/feature-vectors.ts';
import { relabellingP, twoSampleTest } from './two-sample-test.ts';

const random = (n: number, d: number, seed: number, shift = 0): Features => ({
  data: normal(seed, 'x', 0, n * d).map((x, i) => x + (i % d === 0 ? shift : 0)),
  shape: [n, d],
});

describe('twoSampleTest', () => {
  it('tells apart what differs', async () => {
    const { accuracy, auc, p, perSet, raters } = await twoSampleTest(random(60, 5, 1), random(60, 5, 2, 4));
    expect(accuracy).toBeGreaterThan(0.93);
    expect(auc).toBeGreaterThan(0.98);
    expect(p).toBeLessThan(1e-6);
    expect(perSet).toBe(30);
    expect(raters).toHaveLength(12);
  });
  it('guesses where nothing differs', async () => {
    const { accuracy, spread, p } = await twoSampleTest(random(250, 40, 3), random(250, 40, 4));
    expect(Math.abs(accuracy - 0.5)).toBeLessThan(0.04);
    expect(spread).toBeGreaterThan(0.015);
    expect(spread).toBeLessThan(0.06); // 0.035 is binomial
    expect(p).toBeGreaterThan(0.3);
  });
  it('depends on the seed alone', async () => {
    const a = random(40, 3, 1);
    const b = random(30, 3, 2, 1);
    expect(await twoSampleTest(a, b, { seed: 5 })).toEqual(await twoSampleTest(a, b, { seed: 5 }));
    expect(await twoSampleTest(a, b, { seed: 6 })).not.toEqual(await twoSampleTest(a, b, { seed: 5 }));
  });
  it('is guessing on copies, also under other names, compressed again, or in a larger set', async () => {
    const a = random(60, 5, 1);
    const rows = (set: Features, places: readonly number[]): Features => rowsAt(set, Uint32Array.from(places));
    const backwards = Array.from({ length: 60 }, (_, i) => 59 - i);
    expect(await twoSampleTest(a, rows(a, backwards))).toMatchObject({ accuracy: 0.5, auc: 0.5 });
    const again = { ...a, data: a.data.map((x, i) => x + 0.001 * Math.sin(7 * i)) };
    expect(Math.abs((await twoSampleTest(a, rows(again, backwards))).accuracy - 0.5)).toBeLessThan(0.02);
    // By keys, whatever the network makes of them.
    const keys = backwards.map((i) => `image ${i}`);
    const other = { ...rows(again, backwards), keys };
    expect(Math.abs((await twoSampleTest({ ...a, keys: keys.toReversed() }, other)).accuracy - 0.5)).toBeLessThan(0.02);
    const both = { data: Float64Array.of(...a.data, ...random(60, 5, 2).data), shape: [120, 5] };
    expect(Math.abs((await twoSampleTest(a, both)).accuracy - 0.5)).toBeLessThan(0.06);
    await expect(twoSampleTest({ ...a, keys: ['one'] }, a)).rejects.toThrow('twoSampleTest, first set: got 1 keys of 60 rows');
  });
  it('does not depend on the order of the images', async () => {
    const [a, b] = [random(45, 4, 1), random(60, 4, 2, 0.5)];
    const turned = (set: Features, step: number): Features =>
      rowsAt(
        set,
        Uint32Array.from({ length: set.shape[0]! }, (_, i) => (i * step) % set.shape[0]!),
      );
    expect(await twoSampleTest(turned(a, 7), turned(b, 11))).toEqual(await twoSampleTest(a, b));
  });
  it('sees each image of a set once: it is never asked about a copy of what it learnt', async () => {
    const [a, b] = [random(60, 5, 1), random(60, 5, 2)];
    const twice = (set: Features): Features =>
      rowsAt(
        set,
        Uint32Array.from({ length: 120 }, (_, i) => i >> 1),
      );
    const doubled = await twoSampleTest(twice(a), twice(b));
    expect(doubled).toEqual(await twoSampleTest(a, b));
    expect(Math.abs(doubled.accuracy - 0.5)).toBeLessThan(0.08); // one chance in both sets; copies made it 0.63 and more
    expect(doubled.p).toBeGreaterThan(0.3);
    // Each image compressed again, and that twice.
    const again = twice({ ...a, data: a.data.map((x, i) => x + 0.001 * Math.sin(7 * i)) });
    expect(Math.abs((await twoSampleTest(a, again)).accuracy - 0.5)).toBeLessThan(0.02);
    await expect(
      twoSampleTest(
        twice(
          rowsAt(
            a,
            Uint32Array.from({ length: 60 }, (_, i) => i % 19),
          ),
        ),
        b,
      ),
    ).rejects.toThrow('needs 20 different images of either set, got 19');
  });
  it('takes features that are constant, and refuses too few rows', async () => {
    const keys = Array.from({ length: 30 }, (_, i) => `image ${i}`);
    const flat = { data: new Float64Array(60), shape: [30, 2], keys };
    expect(await twoSampleTest(flat, flat)).toMatchObject({ accuracy: 0.5, auc: 0.5, p: 1 });
    await expect(twoSampleTest(random(19, 2, 1), random(40, 2, 2))).rejects.toMatchObject({ code: 'too-few-samples' });
  });
});

describe('relabellingP', () => {
  it('is the tail of the hypergeometric distribution', () => {
    // 2 + 2 images, two called second, both rightly: one of the six relabellings does as well
    expect(relabellingP(2, 2, 2)).toBeCloseTo(1 / 6, 12);
    expect(relabellingP(2, 1, 2)).toBeCloseTo(5 / 6, 12);
    expect(relabellingP(2, 0, 2)).toBeCloseTo(1, 12);
    expect(relabellingP(3, 3, 4)).toBeCloseTo(3 / 15, 12);
  });
});
