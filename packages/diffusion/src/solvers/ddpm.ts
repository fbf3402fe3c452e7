import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, weightedSum, type SolverConfig, type Scheduler } from './scheduler.ts';
import { spacedTimesteps } from './spacing.ts';

export interface DdpmConfig extends SolverConfig {
  /** sigma^2: the posterior variance (`fixed_small`) or beta_t (`fixed_large`), DDPM section 3.2. */
  variance?: 'fixed_small' | 'fixed_large';
}

/** diffusers' floor under DDPM's posterior variance. */
const MIN_VARIANCE = 1e-20;

/** DDPM ancestral sampling ("Denoising diffusion probabilistic models", equations 6 and 7), as diffusers' DDPMScheduler. */
export function ddpm(schedule: NoiseSchedule, config: DdpmConfig): Scheduler {
  const { steps, spacing = 'leading', stepsOffset = 0, variance = 'fixed_small' } = config;
  const stride = Math.floor(schedule.trainTimesteps / steps);
  const timesteps = spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset);
  const needsNoise = (k: number): boolean => timesteps[k]! > 0;
  return {
    timesteps,
    memory: 0,
    needsNoise,
    step(input) {
      checkStep('ddpm', input, needsNoise(input.k));
      const timestep = timesteps[input.k]!;
      const abar = schedule.alphaCumprod(timestep);
      const abarNext = timestep >= stride ? schedule.alphaCumprod(timestep - stride) : 1;
      const alpha = abar / abarNext;
      const beta = 1 - alpha;
      const { x0 } = readPrediction(input, abar, config);
      const posterior = Math.max(((1 - abarNext) / (1 - abar)) * beta, MIN_VARIANCE);
      const mean = [
        [(Math.sqrt(abarNext) * beta) / (1 - abar), x0],
        [(Math.sqrt(alpha) * (1 - abarNext)) / (1 - abar), input.x.data],
      ] as const;
      const sample =
        timestep > 0
          ? weightedSum(...mean, [Math.sqrt(variance === 'fixed_small' ? posterior : beta), input.noise!])
          : weightedSum(...mean);
      const { shape } = input.x;
      return { sample: { data: sample, shape }, predictedX0: { data: x0, shape }, from: input.x };
    },
  };
}
