import { refuseContinuous } from '../levels/interpolated-levels.ts';
import { spacedTimesteps } from '../levels/spacing.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import {
  checkSignal,
  checkStep,
  readPrediction,
  stepResult,
  weightedSum,
  type Scheduler,
  type SolverConfig,
} from '../sampling/scheduler.ts';

export interface DdpmConfig extends SolverConfig {
  /** sigma^2: the posterior variance (`fixed_small`) or beta_t (`fixed_large`), DDPM section 3.2. */
  variance?: 'fixed_small' | 'fixed_large';
  /**
   * Where a step goes: to the next timestep that is `visited`, or T / steps on (`stride`), as diffusers before 0.32; the two are one for
   * `leading` spacing without an offset.
   */
  previous?: 'visited' | 'stride';
}

/** diffusers' floor under DDPM's posterior variance. */
const MIN_VARIANCE = 1e-20;

/**
 * DDPM ancestral sampling ("Denoising diffusion probabilistic models", equations 6 and 7), as diffusers' DDPMScheduler.
 */
export function ddpm(schedule: NoiseSchedule, config: DdpmConfig): Scheduler {
  const { steps, spacing = 'leading', stepsOffset = 0, variance = 'fixed_small', previous = 'visited' } = config;
  refuseContinuous('ddpm', config);
  const timesteps = spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset);
  const abars = timesteps.map((t) => schedule.alphaCumprod(t));
  const stride = Math.floor(schedule.trainTimesteps / steps);
  const abarsNext = timesteps.map((t, k) => {
    const next = previous === 'visited' ? timesteps[k + 1] : t - stride;
    return next === undefined || next < 0 ? 1 : schedule.alphaCumprod(next);
  });
  checkSignal('ddpm', abars, config);
  const needsNoise = (k: number): boolean => timesteps[k]! > 0;
  return {
    timesteps,
    initialScale: 1,
    memory: 0,
    needsNoise,
    step(input) {
      checkStep('ddpm', input, needsNoise(input.k));
      const abar = abars[input.k]!;
      const abarNext = abarsNext[input.k]!;
      const alpha = abar / abarNext;
      const beta = 1 - alpha;
      const predicted = readPrediction(input, abar, config);
      const posterior = Math.max(((1 - abarNext) / (1 - abar)) * beta, MIN_VARIANCE);
      const mean = [
        [(Math.sqrt(abarNext) * beta) / (1 - abar), predicted.x0],
        [(Math.sqrt(alpha) * (1 - abarNext)) / (1 - abar), input.x.data],
      ] as const;
      const sample = needsNoise(input.k)
        ? weightedSum(...mean, [Math.sqrt(variance === 'fixed_small' ? posterior : beta), input.noise!])
        : weightedSum(...mean);
      return stepResult(input, sample, predicted);
    },
  };
}
