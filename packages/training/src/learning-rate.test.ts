import { describe, expect, it } from 'vitest';
import { constantRate, cosineRate } from './learning-rate.ts';

describe('learning rates', () => {
  it('constant after warm-up', () => {
    const rate = constantRate({ peak: 2, warmup: 4 });
    expect([0, 1, 3, 4, 100].map(rate)).toEqual([0.5, 1, 2, 2, 2]);
    expect(constantRate({ peak: 2 })(0)).toBe(2);
  });
  it('cosine from peak to final', () => {
    const rate = cosineRate({ peak: 2, warmup: 2, totalSteps: 10, final: 1 });
    [[0, 1], [1, 2], [2, 2], [6, 1.5], [10, 1], [12, 1]].forEach(([step, want]) => expect(rate(step!)).toBeCloseTo(want!, 12));
  });
});
