import { describe, expect, it } from 'vitest';
import { ddpm, type DdpmConfig } from './ddpm.ts';
import { NoiseSchedule } from '../noise-schedule.ts';

// two steps with abar_0 = 0.64 and abar_1 = 0.4096: square roots 0.8 and 0.64
const schedule = new NoiseSchedule({ trainTimesteps: 2, schedule: 'linear', betaStart: 0.36, betaEnd: 0.36 });
const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

describe('ddpm', () => {
  it('samples the posterior q(x_0 | x_1, x0) with either variance', () => {
    const x = 0.64 * 2 + Math.sqrt(1 - 0.4096) * 0.5;
    const beta = 0.36;
    const mean = ((0.8 * beta) / (1 - 0.4096)) * 2 + ((0.8 * 0.36) / (1 - 0.4096)) * x;
    for (const [variance, sigma2] of [
      ['fixed_small', (0.36 / (1 - 0.4096)) * beta],
      ['fixed_large', beta],
    ] as const) {
      const solver = ddpm(schedule, { steps: 2, variance });
      expect(solver.step({ k: 0, x: tensor(x), output: tensor(0.5), history: [], noise: Float32Array.of(2) }).sample.data[0]).toBeCloseTo(
        mean + 2 * Math.sqrt(sigma2),
        5,
      );
      expect(solver.needsNoise(1)).toBe(false);
    }
    // the last step returns x0
    const last = { k: 1, x: tensor(0.8 * 2 + 0.6 * 0.5), output: tensor(0.5), history: [] };
    expect(ddpm(schedule, { steps: 2 }).step(last).sample.data[0]).toBeCloseTo(2, 6);
    expect(ddpm(schedule, { steps: 2, clipSample: 1 }).step(last).sample.data[0]).toBeCloseTo(1, 6);
  });

  it('goes to the next timestep visited, or by a stride as diffusers before 0.32', () => {
    // abar_t = 0.64^(t+1); two steps of linspace visit 3 and 0, a stride of 4/2 goes from 3 to 1
    const long = new NoiseSchedule({ trainTimesteps: 4, schedule: 'linear', betaStart: 0.36, betaEnd: 0.36 });
    const abar = 0.64 ** 4;
    const mean = (next: number): number => {
      const alpha = abar / next;
      return ((Math.sqrt(next) * (1 - alpha)) / (1 - abar)) * 2 + ((Math.sqrt(alpha) * (1 - next)) / (1 - abar)) * 3;
    };
    // x = 3 with the noise that makes x0 2
    const input = {
      k: 0,
      x: tensor(3),
      output: tensor((3 - 2 * Math.sqrt(abar)) / Math.sqrt(1 - abar)),
      history: [],
      noise: Float32Array.of(0),
    };
    const step = (config: Partial<DdpmConfig>) => ddpm(long, { steps: 2, spacing: 'linspace', ...config }).step(input).sample.data[0];
    expect(step({})).toBeCloseTo(mean(0.64), 5);
    expect(step({ previous: 'stride' })).toBeCloseTo(mean(0.64 ** 2), 5);
    // below the first timestep there is no noise
    const last = { ...input, k: 1, x: tensor(0.8 * 2 + 0.6 * 0.5), output: tensor(0.5) };
    expect(ddpm(long, { steps: 2, spacing: 'linspace', previous: 'stride' }).step(last).sample.data[0]).toBeCloseTo(2, 6);
  });
});
