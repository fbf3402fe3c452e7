import { describe, expect, it } from 'vitest';
import { NoiseSchedule } from '../noise-schedule.ts';
import { betaQuantile } from './beta-quantile.ts';
import { interpolatedLevels } from './interpolated-levels.ts';
import { multistepLevels as levelsBy, type LevelRules, type MultistepConfig } from './multistep-levels.ts';
import { ruledSigmas, timestepOfSigma, trainingSigmas } from './noise-levels.ts';

const schedule = new NoiseSchedule();
const table = trainingSigmas(schedule);
const multistepLevels = (given: NoiseSchedule, config: MultistepConfig, rules: Partial<LevelRules> = {}) =>
  levelsBy(given, config, { rounds: () => true, endsAtRule: false, ...rules });

describe('noise levels', () => {
  it('of Euler and of the multistep solvers are laid out as in diffusers', () => {
    expect(interpolatedLevels(schedule, { steps: 4, spacing: 'leading', stepsOffset: 1 }).timesteps).toEqual([751, 501, 251, 1]);
    expect(interpolatedLevels(schedule, { steps: 3 }).timesteps).toEqual([999, 499.5, 0]);
    expect(interpolatedLevels(schedule, { steps: 3 }).sigmas).toEqual([table[999], (table[499]! + table[500]!) / 2, table[0], 0]);
    expect(multistepLevels(schedule, { steps: 4 }).timesteps).toEqual([999, 749, 500, 250]);
    expect(multistepLevels(schedule, { steps: 4, spacing: 'leading', stepsOffset: 1 }).timesteps).toEqual([801, 601, 401, 201]);
    expect(multistepLevels(schedule, { steps: 4, spacing: 'trailing' }).timesteps).toEqual([999, 749, 499, 249]);
  });

  it("of Karras are even in sigma's seventh root", () => {
    const sigmas = ruledSigmas('karras', { min: 1, max: 128, steps: 3 });
    [128, 1.5 ** 7, 1].forEach((want, i) => expect(sigmas[i]).toBeCloseTo(want, 9));
    expect(() => ruledSigmas('karras', { min: 2, max: 1, steps: 3 })).toThrow(/karras sigmas: expected 0 < min <= max/);
    const { timesteps, sigmas: levels } = multistepLevels(schedule, { steps: 5, sigmas: 'karras' });
    expect([timesteps[0], timesteps[4], levels[5]]).toEqual([999, 0, 0]);
    expect(levels[0]).toBeCloseTo(table[999]!, 6);
  });

  it('tell Stable Video Diffusion a quarter of the log of sigma', () => {
    const { timesteps, sigmas } = interpolatedLevels(schedule, {
      steps: 25,
      prediction: 'v',
      sigmas: 'karras',
      sigmaMin: 0.002,
      sigmaMax: 700,
      timestepType: 'continuous',
    });
    expect(timesteps[0]).toBeCloseTo(1.63777, 5); // diffusers prints 1.6378 for the published scheduler
    expect(sigmas[24]).toBeCloseTo(0.002, 9);
  });

  it('find the timestep of a sigma', () => {
    expect(timestepOfSigma(table, table[300]!)).toBeCloseTo(300, 9);
    expect(timestepOfSigma(table, Math.sqrt(table[300]! * table[301]!))).toBeCloseTo(300.5, 9);
    expect([timestepOfSigma(table, 1e-6), timestepOfSigma(table, 1e6)]).toEqual([0, 999]);
  });

  it('of the other rules lie evenly in log(sigma), or by the quantiles of a beta distribution', () => {
    ruledSigmas('exponential', { min: 1, max: 100, steps: 3 }).forEach((sigma, i) => expect(sigma).toBeCloseTo([100, 10, 1][i]!, 9));
    expect(ruledSigmas('lu', { min: 1, max: 100, steps: 3 })).toEqual(ruledSigmas('exponential', { min: 1, max: 100, steps: 3 }));
    // scipy.stats.beta.ppf(p, 0.6, 0.6)
    for (const [probability, want] of [
      [0.001, 1.855873851745199e-5],
      [0.25, 0.17568037865269498],
      [0.5, 0.5],
      [0.9, 0.9604155944112192],
    ] as const)
      expect(betaQuantile(probability)).toBeCloseTo(want, 12);
    expect([betaQuantile(0), betaQuantile(1)]).toEqual([0, 1]);
  });

  it('end without noise or at the smallest sigma, and never stand still', () => {
    expect(interpolatedLevels(schedule, { steps: 3, finalSigma: 'sigma_min' }).sigmas[3]).toBe(table[0]);
    expect(multistepLevels(schedule, { steps: 3, finalSigma: 'sigma_min' }).sigmas[3]).toBe(table[0]);
    expect(() => multistepLevels(schedule, { steps: 999, spacing: 'trailing', sigmas: 'karras', sigmaMin: 14, sigmaMax: 14 })).toThrow(
      /the noise must fall at every step/,
    );
  });

  it('leave out timesteps of almost pure noise', () => {
    // lambda = -ln(sigma) of the last timestep is -2.68, of timestep 700 it is -1.
    const clipped = multistepLevels(schedule, { steps: 4 }, { lambdaMinClipped: -1 });
    expect(clipped.timesteps[0]).toBe(table.findIndex((sigma) => sigma > Math.E) - 1);
  });
});

it('a sigma is told the last timestep that does not lie above it, where the last one was set for a zero terminal SNR', () => {
  // Sigmas 996 to 999 of linear betas from 1e-4 to 0.02 so set; diffusers 0.28.2 gives 999 for the last.
  const falls = Float64Array.of(5089, 7668, 15406, 4096);
  expect(timestepOfSigma(falls, 4096)).toBe(3);
  expect(timestepOfSigma(falls, 5089)).toBeCloseTo(2 + Math.log(5089 / 15406) / Math.log(4096 / 15406), 12);
  expect(timestepOfSigma(Float64Array.of(1, 2, 4), 0.5)).toBe(0);
  expect(timestepOfSigma(Float64Array.of(1, 2, 4), 8)).toBe(2);
  expect(timestepOfSigma(Float64Array.of(1, 2, 4), Math.sqrt(2))).toBeCloseTo(0.5, 12);
});
