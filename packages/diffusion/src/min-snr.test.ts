import { expect, it } from 'vitest';
import { minSnrWeight } from './min-snr.ts';
import { NoiseSchedule } from './noise-schedule.ts';

const TIMESTEPS = [0, 100, 500, 999];

/** diffusers' compute_snr and the lines of its training scripts, in float32: fixtures/make/training_schedules.py. */
it.each([
  ['scaled_linear', 'epsilon', [0.00425372, 0.591445, 1, 1]],
  ['scaled_linear', 'v', [0.00425011, 0.528884, 0.276332, 0.00466009]],
  ['scaled_linear', 'sample', [5, 5, 0.38185, 0.00468191]],
  ['cosine', 'epsilon', [0.000206539, 0.14628, 1, 1]],
  ['cosine', 'v', [0.00020653, 0.142122, 0.492285, 2.42873e-9]],
] as const)('weighs a %s schedule of %s as diffusers does', (schedule, prediction, expected) => {
  const noise = new NoiseSchedule({ schedule });
  // 1 - abar has few digits in float32 where t is small.
  TIMESTEPS.forEach((t, i) => expect(Math.abs(minSnrWeight(prediction, noise, t, 5) / expected[i]! - 1)).toBeLessThan(1e-3));
});

it('is 1, not NaN, where no signal is left', () => {
  const schedule = new NoiseSchedule();
  schedule.alphasCumprod[999] = 0;
  expect(minSnrWeight('epsilon', schedule, 999, 5)).toBe(1);
  expect(minSnrWeight('v', schedule, 999, 5)).toBe(0);
});
