import { describe, expect, it } from 'vitest';
import { learningRateOf } from './recipe.ts';

describe('learningRateOf', () => {
  const rate = (learningRate: number) => learningRateOf({ learningRate, warmup: 2, schedule: 'cosine', steps: 10 });

  it.each([
    [0, 5e-4],
    [2, 1e-3],
    // Halfway down: the mean of 1e-3 and its fiftieth.
    [6, 5.1e-4],
    [10, 2e-5],
  ])('of `cosine` warms up and falls to a fiftieth of the peak: step %i', (step, expected) =>
    expect(rate(1e-3)(step)).toBeCloseTo(expected, 15),
  );

  // The peaks of the embedded default's recipes, whose weights were trained down to these numbers to the last bit.
  it.each([
    [1e-3, 2e-5],
    [2e-3, 4e-5],
  ])('of `cosine` at %f ends at its fiftieth to the last bit', (peak, last) => expect(rate(peak)(10)).toBe(last));

  it('of `constant` stays at the peak, and of one of diffusers’ is diffusers’', () => {
    const recipe = { learningRate: 1e-3, warmup: 2, steps: 10 };
    expect([0, 2, 10].map(learningRateOf({ ...recipe, schedule: 'constant' }))).toEqual([5e-4, 1e-3, 1e-3]);
    // diffusers begins its warm-up at 0, and its line ends there.
    expect([0, 2, 6, 10].map(learningRateOf({ ...recipe, schedule: { diffusers: 'linear' } }))).toEqual([0, 1e-3, 5e-4, 0]);
  });
});
