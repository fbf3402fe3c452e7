import { describe, expect, it } from 'vitest';
import { eulerLevels } from './euler.ts';
import { multistepLevels } from './multistep.ts';
import { karrasSigmas, timestepOfSigma, trainingSigmas } from './noise-levels.ts';
import { NoiseSchedule } from '../noise-schedule.ts';

const schedule = new NoiseSchedule();
const table = trainingSigmas(schedule);

describe('noise levels', () => {
  it('of Euler and of the multistep solvers are laid out as in diffusers', () => {
    expect(eulerLevels(schedule, { steps: 4, spacing: 'leading', stepsOffset: 1 }).timesteps).toEqual([751, 501, 251, 1]);
    expect(eulerLevels(schedule, { steps: 3 }).timesteps).toEqual([999, 499.5, 0]);
    expect(eulerLevels(schedule, { steps: 3 }).sigmas).toEqual([table[999], (table[499]! + table[500]!) / 2, table[0], 0]);
    expect(multistepLevels(schedule, { steps: 4 }).timesteps).toEqual([999, 749, 500, 250]);
    expect(multistepLevels(schedule, { steps: 4, spacing: 'leading', stepsOffset: 1 }).timesteps).toEqual([801, 601, 401, 201]);
    expect(multistepLevels(schedule, { steps: 4, spacing: 'trailing' }).timesteps).toEqual([999, 749, 499, 249]);
  });

  it("of Karras are even in sigma's seventh root", () => {
    const sigmas = karrasSigmas({ min: 1, max: 128, steps: 3 });
    [128, 1.5 ** 7, 1].forEach((want, i) => expect(sigmas[i]).toBeCloseTo(want, 9));
    expect(() => karrasSigmas({ min: 2, max: 1, steps: 3 })).toThrow(/0 < min < max/);
    const { timesteps, sigmas: levels } = multistepLevels(schedule, { steps: 5, karras: true });
    expect([timesteps[0], timesteps[4], levels[5]]).toEqual([999, 0, 0]);
    expect(levels[0]).toBeCloseTo(table[999]!, 6);
  });

  it('tell Stable Video Diffusion a quarter of the log of sigma', () => {
    const { timesteps, sigmas } = eulerLevels(schedule, { steps: 25, karras: { min: 0.002, max: 700 }, timestepType: 'continuous' });
    expect(timesteps[0]).toBeCloseTo(1.63777, 5); // diffusers prints 1.6378 for the published scheduler
    expect(sigmas[24]).toBeCloseTo(0.002, 9);
  });

  it('find the timestep of a sigma', () => {
    expect(timestepOfSigma(schedule, table[300]!)).toBeCloseTo(300, 9);
    expect(timestepOfSigma(schedule, Math.sqrt(table[300]! * table[301]!))).toBeCloseTo(300.5, 9);
    expect([timestepOfSigma(schedule, 1e-6), timestepOfSigma(schedule, 1e6)]).toEqual([0, 999]);
  });
});
