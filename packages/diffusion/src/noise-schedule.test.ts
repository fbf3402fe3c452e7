import { describe, expect, it } from 'vitest';
import { NoiseSchedule } from './noise-schedule.ts';

describe('NoiseSchedule', () => {
  it('multiplies 1 - beta', () => {
    const linear = new NoiseSchedule({ trainTimesteps: 3, schedule: 'linear', betaStart: 0.1, betaEnd: 0.3 });
    [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7].forEach((want, t) => expect(linear.alphaCumprod(t)).toBeCloseTo(want, 14));
    // sqrt betas 0.1, 0.2, 0.3
    const scaled = new NoiseSchedule({ trainTimesteps: 3, schedule: 'scaled_linear', betaStart: 0.01, betaEnd: 0.09 });
    [0.99, 0.99 * 0.96, 0.99 * 0.96 * 0.91].forEach((want, t) => expect(scaled.alphaCumprod(t)).toBeCloseTo(want, 14));
  });

  it('follows the squared cosine and caps its last beta', () => {
    const cosine = new NoiseSchedule({ trainTimesteps: 4, schedule: 'cosine' });
    const signal = (u: number) => Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2 / Math.cos((0.008 / 1.008) * (Math.PI / 2)) ** 2;
    expect(cosine.alphaCumprod(1)).toBeCloseTo(signal(0.5), 14);
    expect(cosine.alphaCumprod(3)).toBeCloseTo(signal(0.75) * 0.001, 14);
  });

  it('has Stable Diffusion defaults', () => {
    // printed by diffusers for SD 1.5
    expect(new NoiseSchedule().alphaCumprod(0)).toBeCloseTo(0.99915, 6);
    expect(new NoiseSchedule().alphaCumprod(999)).toBeCloseTo(0.0047, 4);
  });

  it('refuses impossible values', () => {
    expect(() => new NoiseSchedule({ betaStart: 0.5, betaEnd: 0.1 })).toThrow(/0 < betaStart <= betaEnd < 1, got 0.5 and 0.1/);
    expect(() => new NoiseSchedule({ trainTimesteps: 0 })).toThrow(/positive integer up to 100000, got 0/);
    expect(() => new NoiseSchedule().alphaCumprod(1000)).toThrow(/\[0, 1000\), got 1000/);
  });
});
