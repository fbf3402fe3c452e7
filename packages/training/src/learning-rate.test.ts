import { describe, expect, it } from 'vitest';
import { constantRate, cosineRate, diffusersRate, stableDecayRate } from './learning-rate.ts';

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

/** diffusers' get_scheduler with 3 steps of warm-up of 12, 2 restarts, power 2: fixtures/make/training_schedules.py. */
describe('diffusersRate', () => {
  const warm = [0, 1 / 3, 2 / 3];
  it.each([
    ['constant', Array(14).fill(1)],
    ['constant_with_warmup', [...warm, ...Array(11).fill(1)]],
    ['linear', [...warm, 1, 0.88888889, 0.77777778, 0.66666667, 0.55555556, 0.44444444, 0.33333333, 0.22222222, 0.11111111, 0, 0]],
    ['cosine', [...warm, 1, 0.96984631, 0.88302222, 0.75, 0.58682409, 0.41317591, 0.25, 0.11697778, 0.03015369, 0]],
    ['cosine_with_restarts', [...warm, 1, 0.88302222, 0.58682409, 0.25, 0.03015369, 0.96984631, 0.75, 0.41317591, 0.11697778, 0, 0]],
    ['polynomial', [...warm, 1, 0.79014444, 0.60497778, 0.4445, 0.30871111, 0.19761111, 0.1112, 0.049477778, 0.012444444, 1e-4, 1e-4]],
  ] as const)('%s', (diffusers, expected) => {
    const rate = diffusersRate({ diffusers, cycles: 2, power: 2 }, { peak: 1e-3, warmup: 3, totalSteps: 12 });
    expected.forEach((share, step) => expect(rate(step) / 1e-3).toBeCloseTo(share, 6));
  });

  it('stays at its end', () => {
    expect(diffusersRate({ diffusers: 'cosine' }, { peak: 1, warmup: 0, totalSteps: 4 })(9)).toBeCloseTo(0, 12);
  });
});
