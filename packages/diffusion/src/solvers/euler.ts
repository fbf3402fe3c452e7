import { interpolatedLevels, type InterpolatedLevelConfig } from '../levels/interpolated-levels.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, stepResult, weightedSum, type Scheduler } from '../sampling/scheduler.ts';

export type EulerConfig = InterpolatedLevelConfig;

/**
 * `init_noise_sigma` of the schedulers that keep x divided by sqrt(abar), in the units of {@link Scheduler}: with `linspace` and
 * `trailing` the noise alone is scaled, as if the signal that is left at the first level were zero.
 */
export function initialScale(sigmas: readonly number[], { spacing = 'linspace' }: InterpolatedLevelConfig): number {
  return spacing === 'leading' ? 1 : sigmas[0]! / Math.sqrt(sigmas[0]! ** 2 + 1);
}

/**
 * Euler's method on the probability flow ODE ("Elucidating the design space", algorithm 1 without churn), as diffusers'
 * EulerDiscreteScheduler. In the units of {@link Scheduler} a step is DDIM's, between levels that need not be training timesteps.
 */
export function euler(schedule: NoiseSchedule, config: EulerConfig): Scheduler {
  const { timesteps, sigmas } = interpolatedLevels(schedule, config);
  return {
    timesteps,
    sigmas,
    initialScale: initialScale(sigmas, config),
    memory: 0,
    needsNoise: () => false,
    step(input) {
      checkStep('euler', input, false);
      const [sigma, next] = [sigmas[input.k]!, sigmas[input.k + 1]!];
      const predicted = readPrediction(input, 1 / (1 + sigma * sigma), config);
      const alpha = 1 / Math.sqrt(1 + next * next);
      return stepResult(input, weightedSum([alpha, predicted.x0], [alpha * next, predicted.noise]), predicted);
    },
  };
}

/**
 * Euler's method to a lower noise level than the next, and fresh noise up to that, as diffusers' EulerAncestralDiscreteScheduler
 * (k-diffusion's sample_euler_ancestral at eta 1).
 */
export function eulerAncestral(schedule: NoiseSchedule, config: InterpolatedLevelConfig): Scheduler {
  const { timesteps, sigmas } = interpolatedLevels(schedule, config);
  const up = (k: number): number => {
    const [sigma, next] = [sigmas[k]!, sigmas[k + 1]!];
    return Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2);
  };
  return {
    timesteps,
    sigmas,
    initialScale: initialScale(sigmas, config),
    memory: 0,
    needsNoise: (k) => up(k) > 0,
    step(input) {
      const [sigma, next, fresh] = [sigmas[input.k]!, sigmas[input.k + 1]!, up(input.k)];
      checkStep('eulerAncestral', input, fresh > 0);
      const predicted = readPrediction(input, 1 / (1 + sigma * sigma), config);
      const alpha = 1 / Math.sqrt(1 + next * next);
      const along = [
        [alpha, predicted.x0],
        [alpha * Math.sqrt(next ** 2 - fresh ** 2), predicted.noise],
      ] as const;
      return stepResult(input, fresh > 0 ? weightedSum(...along, [alpha * fresh, input.noise!]) : weightedSum(...along), predicted);
    },
  };
}
