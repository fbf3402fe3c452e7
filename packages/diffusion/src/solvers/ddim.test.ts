import { describe, expect, it } from 'vitest';
import { ddim } from './ddim.ts';
import { NoiseSchedule } from '../noise-schedule.ts';

// two steps with abar_0 = 0.64 and abar_1 = 0.4096: square roots 0.8 and 0.64
const schedule = new NoiseSchedule({ trainTimesteps: 2, schedule: 'linear', betaStart: 0.36, betaEnd: 0.36 });
const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
const s1 = Math.sqrt(1 - 0.4096);
const history: [] = [];

describe('ddim', () => {
  it('moves along predicted x0 and noise', () => {
    const x = tensor(0.64 * 2 + s1 * 0.5); // x0 = 2, noise = 0.5
    const solver = ddim(schedule, { steps: 2 });
    expect(solver.timesteps).toEqual([1, 0]);
    const { sample, predictedX0 } = solver.step({ k: 0, x, output: tensor(0.5), history });
    expect(predictedX0.data[0]).toBeCloseTo(2, 6);
    expect(sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
    const last = { k: 1, x: sample, output: tensor(0.5), history };
    expect(solver.step(last).sample.data[0]).toBeCloseTo(2, 6);
    // Stable Diffusion stops at abar_0
    expect(ddim(schedule, { steps: 2, setAlphaToOne: false }).step(last).sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
  });
  it('takes v, and clips x0 but not the noise', () => {
    const first = { k: 0, x: tensor(0.64 * 2 + s1 * 0.5), output: tensor(0.64 * 0.5 - s1 * 2), history };
    expect(ddim(schedule, { steps: 2, prediction: 'v' }).step(first).sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
    expect(ddim(schedule, { steps: 2, prediction: 'v', clipSample: 1 }).step(first).sample.data[0]).toBeCloseTo(0.8 + 0.6 * 0.5, 6);
  });
  it('at eta 1 steps from pure noise, whatever rounding makes of what is left of the noise', () => {
    const zero = new NoiseSchedule({ zeroTerminalSnr: true });
    for (let steps = 2; steps <= 60; steps++) {
      const solver = ddim(zero, { steps, spacing: 'trailing', prediction: 'v', eta: 1 });
      expect(
        solver.step({ k: 0, x: tensor(0.5), output: tensor(-1), history, noise: tensor(0.25).data }).sample.data[0],
        `${steps}`,
      ).not.toBeNaN();
    }
  });
  it('at eta 1 adds the posterior deviation', () => {
    const sigma2 = (0.36 / (1 - 0.4096)) * (1 - 0.64);
    const solver = ddim(schedule, { steps: 2, eta: 1 });
    const got = solver.step({ k: 0, x: tensor(0.64 * 2 + s1 * 0.5), output: tensor(0.5), history, noise: Float32Array.of(-1) }).sample
      .data[0];
    expect(got).toBeCloseTo(1.6 + Math.sqrt(0.36 - sigma2) * 0.5 - Math.sqrt(sigma2), 6);
    expect(() => solver.step({ k: 0, x: tensor(1), output: tensor(1), history })).toThrow(/expected 1 values of noise at step 0, got none/);
    expect(() => solver.step({ k: 0, x: tensor(1), output: tensor(1, 2), history })).toThrow(/x's shape \[1\], got \[2\]/);
  });
});
