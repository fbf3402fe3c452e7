import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../features/feature-vectors.ts';
import { densityCoverage, precisionRecall } from './neighbourhoods.ts';

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
