import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../features/feature-vectors.ts';
import { densityCoverage, neighbourhoodOverlap, precisionRecall } from './neighbourhoods.ts';

const line = (...data: number[]): Features => ({ data: Float64Array.from(data), shape: [data.length, 1] });

describe('precisionRecall and densityCoverage', () => {
  it('are right for points on a line', async () => {
    // k = 1: real radii 1, 1, 2, 5 and generated radii 0.5, 0.5, 11.5
    const real = line(0, 1, 3, 8);
    const generated = line(2, 2.5, 14);
    // real balls [-1, 1], [0, 2], [1, 5], [3, 13]: 2 (twice), 2.5 (once), 14 (never)
    // generated balls [1.5, 2.5], [2, 3], [2.5, 25.5]: 3 and 8
    expect(await precisionRecall(real, generated, 1)).toEqual({ precision: 2 / 3, recall: 1 / 2, n: 4, m: 3 });
    // open balls: 2 is in the third alone, 2.5 too
    expect(await densityCoverage(real, generated, 1)).toEqual({ density: 2 / 3, coverage: 1 / 4, n: 4, m: 3 });
  });

  it('tell ties apart when the sets coincide, whatever the rounding of products', async () => {
    const data = normal(1, 'x', 0, 60 * 40).map((x) => x + 100);
    const set = { data, shape: [60, 40] };
    expect(await precisionRecall(set, { ...set, data: data.slice() })).toMatchObject({ precision: 1, recall: 1 });
    // every point lies in its own ball and in those of the points it is among the k - 1 nearest of: k on average
    expect(await densityCoverage(set, { ...set, data: data.slice() }, 4)).toMatchObject({ density: 1, coverage: 1 });
    // all neighbourhoods are single points here: in them (<=), but not inside (<)
    const same = line(5, 5, 5, 5, 5, 5);
    expect(await precisionRecall(same, same)).toMatchObject({ precision: 1, recall: 1 });
    expect(await densityCoverage(same, same)).toMatchObject({ density: 0, coverage: 0 });
  });

  it('are those of exact distances where products round them away', async () => {
    // Steps of 2^-10 on a grid at 1000: squared distances are multiples of 1e-6, beside squared lengths of 3e7.
    const set = (seed: number): Features => ({
      data: Float64Array.from(normal(seed, 'grid', 0, 50 * 32), (x) => 1000 + Math.round(3 * x) * 2 ** -10),
      shape: [50, 32],
    });
    const [real, generated] = [set(1), set(2)];
    const squared = (a: Features, i: number, b: Features, j: number): number => {
      let sum = 0;
      for (let c = 0; c < 32; c++) sum += (a.data[i * 32 + c]! - b.data[j * 32 + c]!) ** 2;
      return sum;
    };
    const rows = Array.from({ length: 50 }, (_, i) => i);
    const radius = (a: Features, i: number, k: number): number =>
      rows
        .filter((j) => j !== i)
        .map((j) => squared(a, i, a, j))
        .sort((x, y) => x - y)[k - 1]!;
    const share = (f: (i: number) => boolean): number => rows.filter(f).length / 50;
    const within = (i: number, j: number, k: number): boolean => squared(real, i, generated, j) < radius(real, i, k);
    expect(await neighbourhoodOverlap(real, generated)).toEqual({
      precision: share((j) => rows.some((i) => squared(real, i, generated, j) <= radius(real, i, 3))),
      recall: share((i) => rows.some((j) => squared(real, i, generated, j) <= radius(generated, j, 3))),
      density: rows.flatMap((j) => rows.filter((i) => within(i, j, 5))).length / 50 / 5,
      coverage: share((i) => rows.some((j) => within(i, j, 5))),
      n: 50,
      m: 50,
    });
  });

  it('are the same together as one by one', async () => {
    const random = (seed: number): Features => ({ data: normal(seed, 'x', 0, 60 * 4), shape: [60, 4] });
    const [real, generated] = [random(1), random(2)];
    const together = await neighbourhoodOverlap(real, generated);
    expect(together).toMatchObject(await precisionRecall(real, generated));
    expect(together).toMatchObject(await densityCoverage(real, generated));
  });

  it('take sets of several blocks', async () => {
    const grid = (n: number, shift: number) => line(...Array.from({ length: n }, (_, i) => i + shift));
    // the last real point, 1099, has the radius 3, so the real balls end at 1102
    expect(await precisionRecall(grid(1100, 0), grid(1100, 1098))).toMatchObject({ precision: 5 / 1100, recall: 5 / 1100 });
  });

  it('refuse too few points and a wrong k', async () => {
    await expect(precisionRecall(line(1, 2, 3), line(1, 2, 3, 4))).rejects.toMatchObject({ code: 'too-few-samples' });
    await expect(densityCoverage(line(1, 2, 3), line(1, 2, 3), 0)).rejects.toMatchObject({ code: 'invalid-option' });
  });
});
