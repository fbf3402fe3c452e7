import { describe, expect, it } from 'vitest';
import { constantRate, cosineRate, stableDecayRate } from './learning-rate.ts';

describe('learning rates', () => {
  it('constant after warm-up', () => {
    const rate = constantRate({ peak: 2, warmup: 4 });
    expect([0, 1, 3, 4, 100].map(rate)).toEqual([0.5, 1, 2, 2, 2]);
    expect(constantRate({ peak: 2 })(0)).toBe(2);
  });
  it('cosine from peak to final', () => {
    const rate = cosineRate({ peak: 2, warmup: 2, totalSteps: 10, final: 1 });
    [
      [0, 1],
      [1, 2],
      [2, 2],
      [6, 1.5],
      [10, 1],
      [12, 1],
    ].forEach(([step, want]) => expect(rate(step!)).toBeCloseTo(want!, 12));
  });
  it('stable, then down to zero with the square root of the decay', () => {
    const rate = stableDecayRate({ peak: 2, warmup: 2, totalSteps: 12, decay: 4 });
    [
      [0, 1],
      [1, 2],
      [7, 2],
      [8, 2],
      [9, 1],
      [12, 0],
      [13, 0],
    ].forEach(([step, want]) => expect(rate(step!)).toBeCloseTo(want!, 12));
  });
  it('stable part does not depend on the length of the run', () => {
    const [short, long] = [12, 40].map((totalSteps) => stableDecayRate({ peak: 2, warmup: 3, totalSteps, decay: 4 }));
    for (let step = 0; step < 8; step++) expect(short!(step)).toBe(long!(step));
  });
});
