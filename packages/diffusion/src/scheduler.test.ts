import { describe, expect, it } from 'vitest';
import { NoiseSchedule } from './noise-schedule.ts';
import { ddim, ddpm } from './scheduler.ts';

// two steps with abar_0 = 0.64 and abar_1 = 0.4096: square roots 0.8 and 0.64
const schedule = new NoiseSchedule({ trainTimesteps: 2, schedule: 'linear', betaStart: 0.36, betaEnd: 0.36 });
const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
const s1 = Math.sqrt(1 - 0.4096);

describe('ddim', () => {
  it('moves along predicted x0 and noise', () => {
    const x = tensor(0.64 * 2 + s1 * 0.5); // x0 = 2, noise = 0.5
    const sampler = ddim(schedule, { steps: 2 });
    expect(sampler.timesteps).toEqual([1, 0]);
    const { sample, predictedX0 } = sampler.step(x, tensor(0.5), 1);
    expect(predictedX0.data[0]).toBeCloseTo(2, 6);
    expect(sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
    expect(sampler.step(sample, tensor(0.5), 0).sample.data[0]).toBeCloseTo(2, 6);
    // Stable Diffusion stops at abar_0
    expect(ddim(schedule, { steps: 2, setAlphaToOne: false }).step(sample, tensor(0.5), 0).sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
  });
  it('takes v, and clips x0 but not the noise', () => {
    const x = tensor(0.64 * 2 + s1 * 0.5);
    const v = tensor(0.64 * 0.5 - s1 * 2);
    expect(ddim(schedule, { steps: 2, prediction: 'v' }).step(x, v, 1).sample.data[0]).toBeCloseTo(0.8 * 2 + 0.6 * 0.5, 6);
    expect(ddim(schedule, { steps: 2, prediction: 'v', clipSample: 1 }).step(x, v, 1).sample.data[0]).toBeCloseTo(0.8 + 0.6 * 0.5, 6);
  });
  it('at eta 1 adds the posterior deviation', () => {
    const sigma2 = (0.36 / (1 - 0.4096)) * (1 - 0.64);
    const sampler = ddim(schedule, { steps: 2, eta: 1 });
    const got = sampler.step(tensor(0.64 * 2 + s1 * 0.5), tensor(0.5), 1, Float32Array.of(-1)).sample.data[0];
    expect(got).toBeCloseTo(1.6 + Math.sqrt(0.36 - sigma2) * 0.5 - Math.sqrt(sigma2), 6);
    expect(() => sampler.step(tensor(1), tensor(1), 1)).toThrow(/expected 1 values of noise at timestep 1, got none/);
    expect(() => sampler.step(tensor(1), tensor(1, 2), 1)).toThrow(/x's shape \[1\], got \[2\]/);
  });
});

describe('ddpm', () => {
  it('samples the posterior q(x_0 | x_1, x0) with either variance', () => {
    const x = 0.64 * 2 + s1 * 0.5;
    const beta = 0.36;
    const mean = ((0.8 * beta) / (1 - 0.4096)) * 2 + ((0.8 * 0.36) / (1 - 0.4096)) * x;
    for (const [variance, sigma2] of [['fixed_small', (0.36 / (1 - 0.4096)) * beta], ['fixed_large', beta]] as const) {
      const sampler = ddpm(schedule, { steps: 2, variance });
      expect(sampler.step(tensor(x), tensor(0.5), 1, Float32Array.of(2)).sample.data[0]).toBeCloseTo(mean + 2 * Math.sqrt(sigma2), 5);
      expect(sampler.needsNoise(0)).toBe(false);
    }
    // the last step returns x0
    expect(ddpm(schedule, { steps: 2 }).step(tensor(0.8 * 2 + 0.6 * 0.5), tensor(0.5), 0).sample.data[0]).toBeCloseTo(2, 6);
    expect(ddpm(schedule, { steps: 2, clipSample: 1 }).step(tensor(0.8 * 2 + 0.6 * 0.5), tensor(0.5), 0).sample.data[0]).toBeCloseTo(1, 6);
  });
});
