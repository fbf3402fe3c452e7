import { describe, expect, it } from 'vitest';
import { chinchillaLaw, fitLaw, HOFFMANN_DELTA, offsetPowerLaw, powerLaw } from '../fit/laws.ts';
import { heldOfFew, madeUpRuns, POWER } from '../testing/coverage.ts';
import { bootstrap, percentileInterval } from './bootstrap.ts';
import { profileIntervals } from './profile.ts';
import { rollout } from './rollout.ts';

describe('profileIntervals', () => {
  it('of a line through logarithms are those of Student\u2019s t', () => {
    const D = Float64Array.from([0, 1, 2, 3], Math.exp);
    const loss = Float64Array.from([2.1, 0.9, 0.1, -1.1], Math.exp);
    const fit = fitLaw(powerLaw('D'), { D, loss }, { delta: Infinity });
    // Slope: sum (u - 1.5) v / 5 = (-1.5 * 2.1 - 0.5 * 0.9 + 0.5 * 0.1 + 1.5 * -1.1) / 5 = -1.04; line 2.06 - 1.04 u.
    expect(fit.parameters['alpha']).toBeCloseTo(1.04, 9);
    // Residuals 0.04, -0.12, 0.12, -0.04: their squares sum to 0.032, so s^2 = 0.016 and se = sqrt(0.016 / 5); t(2, 97.5%) = 4.302653.
    const half = 4.302653 * Math.sqrt(0.016 / 5);
    const [low, high] = profileIntervals(fit)['alpha']!;
    expect(low).toBeCloseTo(1.04 - half, 4);
    expect(high).toBeCloseTo(1.04 + half, 4);
  });

  it('say it where a parameter is not bounded', () => {
    // No offset is needed to explain a power: E reaches down to 0.
    const { runs } = madeUpRuns(0);
    const loss = runs.N!.map((n, i) => 20 * n ** -0.1 * (1 + (i % 2 === 0 ? 0.01 : -0.01)));
    const fit = fitLaw(chinchillaLaw, { ...runs, loss }, { delta: Infinity });
    expect(profileIntervals(fit)['E']![0]).toBeLessThan(1e-3);
  });
});

describe('profileIntervals of a law that may lose a term', () => {
  it('do not end at the estimate', () => {
    // Losses of a law of N and D, of which only the operations are told: far from the minimum E is nothing, and has no slope back.
    const C = Float64Array.from([1e7, 3e7, 1e8, 3e8, 1e9].flatMap((N) => [3e8, 1e9, 3e9, 1e10, 3e10].map((D) => 6 * N * D)));
    const loss = Float64Array.from([
      ...[5.123, 4.642, 4.284, 4.047, 3.86],
      ...[4.59, 4.12, 3.77, 3.507, 3.342],
      ...[4.216, 3.704, 3.382, 3.106, 2.94],
      ...[3.955, 3.449, 3.121, 2.86, 2.7],
      ...[3.78, 3.281, 2.956, 2.684, 2.522],
    ]);
    const fit = fitLaw(offsetPowerLaw('C'), { C, loss });
    const [low, high] = profileIntervals(fit)['alpha']!;
    // E may be nothing: the low end is as low as the exponent of a power without it.
    expect(low).toBeLessThan(fitLaw(powerLaw('C'), { C, loss }).parameters['alpha']!);
    expect(low).toBeGreaterThan(0.07);
    expect(high).toBeCloseTo(0.1666, 3);
  });

  it('end where the rise says so, of an offset that comes out as nothing, too', () => {
    const D = Float64Array.of(1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6);
    const loss = Float64Array.of(3.3084, 3.198, 3.013, 2.744, 2.4483, 2.1251, 1.8003, 1.491);
    const { E, alpha } = profileIntervals(fitLaw(offsetPowerLaw('D'), { D, loss }, { delta: Infinity }));
    // scipy.optimize.least_squares over the others at each value, brentq for where the root of the rise is t(5, 97.5%) = 2.5706.
    expect(E![0]).toBe(0);
    expect(E![1]).toBeCloseTo(1.2729, 3);
    expect(alpha![0]).toBeCloseTo(0.0737, 3);
    expect(alpha![1]).toBeCloseTo(0.2066, 3);
  });

  it.each([
    [5, 0.05],
    [8, 0.01],
  ])('hold the truth of %d runs with noise of %d, where hardly one lies within delta', (count, noise) => {
    // Three standard deviations of a share of 0.95 over 60 are 0.085. With a run's share as the least slope it was 0.55 of five.
    expect(heldOfFew(POWER, { laws: 60, count, noise, delta: HOFFMANN_DELTA })).toBeGreaterThan(0.86);
  });
});

describe('bootstrap', () => {
  it('depends on its seed alone, and spreads about the fit', () => {
    const { runs } = madeUpRuns(5);
    const fit = fitLaw(chinchillaLaw, runs);
    const draw = (seed: number) => bootstrap(fit, runs, { resamples: 20, seed }).samples['alpha']!;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(2)).not.toEqual(draw(1));
    const [low, high] = percentileInterval(draw(1));
    expect(low).toBeLessThan(fit.parameters['alpha']!);
    expect(high).toBeGreaterThan(fit.parameters['alpha']!);
  });

  it('counts the resamples that lack sizes, and leaves them out', () => {
    const D = Float64Array.of(1, 2, 4, 8);
    const fit = fitLaw(offsetPowerLaw('D'), { D, loss: Float64Array.of(5, 3.1, 2, 1.6) });
    const { samples, unidentified } = bootstrap(fit, { D, loss: Float64Array.of(5, 3.1, 2, 1.6) }, { resamples: 100 });
    // Of 4^4 draws, 4 are of one run and 84 of two: a third.
    expect(unidentified).toBeGreaterThan(20);
    expect(unidentified).toBeLessThan(50);
    expect(samples['alpha']).toHaveLength(100 - unidentified);
  });

  it('percentiles are between order statistics', () => {
    expect(percentileInterval(Float64Array.of(4, 0, 1, 3, 2), 0.5)).toEqual([1, 3]);
  });
});

it('rollout fits on small runs and predicts the larger ones', () => {
  const { runs } = madeUpRuns(1);
  const fit = fitLaw(chinchillaLaw, runs);
  const compute = runs.N!.map((n, i) => 6 * n * runs.D![i]!);
  const cuts = rollout(fit, runs, compute);
  expect(cuts.length).toBeGreaterThan(2);
  for (const { fitted, predicted, error, upTo } of cuts) {
    expect(fitted + predicted).toBe(100);
    expect(compute.filter((c) => c <= upTo).length).toBe(fitted);
    // Noise of 0.5% a run.
    expect(error).toBeLessThan(0.02);
  }
});
