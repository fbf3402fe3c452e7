import { describe, expect, it } from 'vitest';
import type { Features } from '../features/feature-vectors.ts';
import { linearDiscriminant } from './linear-discriminant.ts';

const rows = (...values: number[][]): Features => ({ data: Float64Array.from(values.flat()), shape: [values.length, values[0]!.length] });

describe('linearDiscriminant', () => {
  it('scores as the covariance says: variances 0.75 and 0.25 after shrinking diag(1, 0) by half', async () => {
    const { scores, classify } = await linearDiscriminant([rows([0, 0], [2, 0]), rows([0, 4], [2, 4])], { shrinkage: 0.5 });
    // w = mean / variance: (4/3, 0) and (4/3, 16); offset -mean w / 2: -2/3 and -98/3.
    const [first, second] = scores(rows([1, 3]));
    expect(first).toBeCloseTo(2 / 3, 12);
    expect(second).toBeCloseTo(4 / 3 + 48 - 98 / 3, 12);
    expect(classify(rows([1, 3], [1, 1]))).toEqual([1, 0]);
  });

  it('scores as scikit-learn 1.9.1 does, three classes of unequal size', async () => {
    const classes = [
      rows([1.5, 0, 2.25], [2.75, 0.25, 1.5], [2.75, 2, 2.25], [1.5, 2.5, 1.75]),
      rows([0.75, 3.25, 1], [2.25, 1.25, 1], [2.5, 3.5, 2.5], [1.5, 1.75, 0], [2, 1.5, 1.75]),
      rows([1, 1.75, 3.5], [0, 0.25, 1.5], [0.5, 0.25, 1], [2.5, 1.75, 2], [0.5, 2, 1.75], [0, 1, 3]),
    ];
    const { scores, classify } = await linearDiscriminant(classes, { shrinkage: 0.1 });
    const asked = rows([1, 0.5, 2], [2, 2, 0.25]);
    // LinearDiscriminantAnalysis(solver='lsqr', shrinkage=0.1, priors=[1/3] * 3).decision_function(asked) - log(1/3)
    const expected = [
      2.6582522664728145, 0.14302137220747801, 3.9181536915743127, 2.016734360382591, 5.0810859423000085, -1.2168177631830301,
    ];
    scores(asked).forEach((score, i) => expect(score).toBeCloseTo(expected[i]!, 10));
    expect(classify(asked)).toEqual([2, 1]);
  });

  it('refuses what it cannot learn from', async () => {
    const some = rows([1, 2], [2, 1]);
    const learn = (classes: Features[], shrinkage = 0.1) => linearDiscriminant(classes, { shrinkage });
    await expect(learn([some, some], 0)).rejects.toThrow(/shrinkage must lie above 0 and be at most 1, got 0/);
    await expect(learn([some])).rejects.toThrow(/two or more classes of one dimension, got \[2\]/);
    await expect(learn([some, rows([1], [2])])).rejects.toThrow(/got \[2, 1\]/);
    await expect(learn([some, rows([1, 2])])).rejects.toThrow(/class 1 has 1 row, at least 2/);
    await expect(learn([rows([1, 2], [1, 2]), rows([0, 0], [0, 0])])).rejects.toThrow(/no feature varies within any class/);
    const { classify } = await learn([some, rows([3, 3], [4, 5])]);
    expect(() => classify(rows([1]))).toThrow(/learnt from features of dimension 2, got 1/);
    expect(() => classify(rows([1, NaN]))).toThrow(/feature 1 of row 0 is NaN/);
  });
});
