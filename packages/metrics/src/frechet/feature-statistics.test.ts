import { describe, expect, it } from 'vitest';
import { normal, randomBits } from '@controllab/data';
import { covariance, mergeStatistics, StatisticsAccumulator, type GatheredStatistics } from './feature-statistics.ts';
import { imageSetOf } from './image-set.ts';

const provenance = { network: 'mini-inception', weightsHash: 'ab', preset: 'clean', dtype: 'float32' };

async function statisticsOf(data: Float32Array | Float64Array, d: number, batch = data.length / d): Promise<GatheredStatistics> {
  const accumulator = new StatisticsAccumulator(d, provenance);
  for (let row = 0; row < data.length / d; row += batch) {
    const rows = data.subarray(row * d, (row + batch) * d);
    await accumulator.add({ data: rows, shape: [rows.length / d, d] });
  }
  return accumulator.finish();
}

describe('StatisticsAccumulator', () => {
  it('is right for numbers done by hand', async () => {
    const s = await statisticsOf(Float64Array.of(1, 10, 2, 30, 6, 20), 2);
    expect(s.n).toBe(3);
    expect([...s.mean]).toEqual([3, 20]);
    expect([...s.comoment.data]).toEqual([14, 10, 10, 200]);
    expect([...covariance(s).data]).toEqual([7, 5, 5, 100]);
  });

  it('does not depend on the batches, to the last bit', async () => {
    const features = normal(1, 'features', 0, 2500 * 5);
    const whole = await statisticsOf(features, 5);
    for (const batch of [1, 7, 1024, 2499]) expect(await statisticsOf(features, 5, batch)).toEqual(whole);
  });

  it('does not lose a small spread beside a large mean', async () => {
    const small = normal(2, 'features', 0, 3000);
    const s = covariance(
      await statisticsOf(
        Float64Array.from(small, (x) => 1e8 + x),
        3,
      ),
    );
    const t = covariance(await statisticsOf(small, 3));
    s.data.forEach((x, i) => expect(Math.abs(x - t.data[i]!)).toBeLessThan(1e-6)); // 1e8 itself is stored to 1e-8
  });

  it('names the row that is not finite, and forgets the batch', async () => {
    const accumulator = new StatisticsAccumulator(2, provenance);
    await accumulator.add({ data: Float64Array.of(0, 0, 1, 1), shape: [2, 2] });
    await expect(accumulator.add({ data: Float64Array.of(1, 2, 3, Number.NaN), shape: [2, 2] })).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('feature 1 of row 3') as string,
    });
    expect((await accumulator.finish()).n).toBe(2);
  });

  it('refuses other dimensions, too few rows, and images that do not fit', async () => {
    const accumulator = new StatisticsAccumulator(2, provenance);
    await expect(accumulator.add({ data: new Float64Array(3), shape: [1, 3] })).rejects.toMatchObject({ code: 'invalid-shape' });
    await expect(accumulator.add({ data: new Float64Array(3), shape: [2, 2] })).rejects.toMatchObject({ code: 'invalid-shape' });
    await expect(accumulator.add({ data: new Float64Array(2), shape: [1, 2] }, [])).rejects.toMatchObject({ code: 'invalid-shape' });
    await accumulator.add({ data: new Float64Array(2), shape: [1, 2] });
    await expect(accumulator.finish()).rejects.toMatchObject({ code: 'too-few-samples' });
    expect(() => new StatisticsAccumulator(0, provenance)).toThrow(/at least 1, got 0/);
  });

  it('hashes the set of images, whatever their order and the shards', async () => {
    const images = [1, 2, 3, 4].map((x) => Uint8Array.of(x));
    const run = async (order: number[]) => {
      const accumulator = new StatisticsAccumulator(1, provenance);
      await accumulator.add(
        { data: Float64Array.from(order), shape: [order.length, 1] },
        order.map((i) => images[i]!),
      );
      return accumulator.finish();
    };
    const whole = await run([0, 1, 2, 3]);
    expect((await run([3, 1, 0, 2])).imageSet).toEqual(whole.imageSet);
    expect(mergeStatistics(await run([2, 0]), await run([1, 3])).imageSet).toEqual(whole.imageSet);
    expect((await run([0, 1, 2, 2])).imageSet).not.toEqual(whole.imageSet);
    expect(imageSetOf(Uint8Array.of(1)).hash).toMatch(/^4bf5122f/);
    expect((await statisticsOf(Float64Array.of(1, 2), 1)).imageSet).toBeNull();
  });
});

describe('mergeStatistics', () => {
  it('gives the same statistics for 1000 random shardings', async () => {
    const n = 60;
    const d = 6;
    const features = normal(5, 'features', 0, n * d).map((x, i) => x * (1 + (i % d)) + 3);
    const whole = await statisticsOf(features, d);
    const largest = Math.max(...whole.comoment.data.map(Math.abs));
    let worst = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const bits = randomBits(6, 'sharding', trial, n);
      const shards = Array.from({ length: 2 + (trial % 4) }, (_, k, of = 2 + (trial % 4)) =>
        Array.from({ length: n }, (__, i) => i).filter((i) => bits[i]! % of === k),
      ).filter((rows) => rows.length >= 2);
      const used = shards.flat().length;
      if (used < n) shards[0]!.push(...Array.from({ length: n }, (_, i) => i).filter((i) => !shards.flat().includes(i)));
      const parts = await Promise.all(
        shards.map((rows) => statisticsOf(Float32Array.from(rows.flatMap((i) => [...features.subarray(i * d, (i + 1) * d)])), d)),
      );
      const merged = parts.reduce(mergeStatistics);
      expect(merged.n).toBe(n);
      merged.mean.forEach((x, i) => (worst = Math.max(worst, Math.abs(x - whole.mean[i]!) / 3)));
      merged.comoment.data.forEach((x, i) => (worst = Math.max(worst, Math.abs(x - whole.comoment.data[i]!) / largest)));
    }
    expect(worst).toBeLessThan(1e-12);
  });

  it('refuses another provenance, naming what differs', async () => {
    const a = await statisticsOf(Float64Array.of(1, 2), 1);
    const b = { ...a, provenance: { ...provenance, preset: 'tf1', weightsHash: 'cd' } };
    expect(() => mergeStatistics(a, b)).toThrow(
      "the features were made in different ways: weightsHash 'ab' and 'cd'; preset 'clean' and 'tf1'",
    );
  });
});
