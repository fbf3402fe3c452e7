import { describe, expect, it } from 'vitest';
import { fitRidge } from './ridge.ts';

// The third predictor never varies.
const x = [
  [1, 2, 7],
  [2, 1, 7],
  [3, 5, 7],
  [4, 3, 7],
  [6, 2, 7],
  [5, 9, 7],
];
const y = [1, 3, 2, 5, 4, 8];
const groups = ['a', 'a', 'b', 'b', 'c', 'c'];

describe('fitRidge', () => {
  it('takes the penalty with the least error on left-out groups', () => {
    // numpy: the normal equations of standardised columns, penalty x rows on the diagonal, for every penalty and every left-out group.
    const fit = fitRidge(x, y, groups);
    expect(fit.lambda).toBe(1);
    expect(fit.leftOutError).toBeCloseTo(1.7645453985, 9);
    expect(fit.predict([2.5, 4, 7])).toBeCloseTo(3.5213078478, 9);
    expect(fit.predict([7, 0, 7])).toBeCloseTo(4.3100797375, 9);
  });

  it('is the mean where no predictor varies', () => {
    expect(fitRidge([[1], [1], [1]], [1, 2, 6], ['a', 'b', 'b']).predict([5])).toBe(3);
  });

  it('refuses one group, rows of two lengths, and what is not finite', () => {
    expect(() => fitRidge([[1], [2]], [1, 2], ['a', 'a'])).toThrow(/leaving groups out: got 1 group/);
    expect(() => fitRidge([[1], [2, 3]], [1, 2], ['a', 'b'])).toThrow(/one each expected/);
    expect(() => fitRidge([[1], [NaN]], [1, 2], ['a', 'b'])).toThrow(/finite/);
  });
});
