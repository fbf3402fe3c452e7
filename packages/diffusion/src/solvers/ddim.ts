import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, weightedSum, type SolverConfig, type Scheduler } from './scheduler.ts';
import { spacedTimesteps } from './spacing.ts';

export interface DdimConfig extends SolverConfig {
  /** 0: deterministic DDIM; 1: DDPM's variance. */
  eta?: number;
  /** Whether the last step goes to abar = 1 or, as Stable Diffusion does, to abar_0. */
  setAlphaToOne?: boolean;
}

/** DDIM ("Denoising diffusion implicit models", equation 12), as diffusers' DDIMScheduler. */
export function ddim(schedule: NoiseSchedule, config: DdimConfig): Scheduler {
  const { steps, spacing = 'leading', stepsOffset = 0, eta = 0, setAlphaToOne = true } = config;
  const stride = Math.floor(schedule.trainTimesteps / steps);
  const timesteps = spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset);
  return {
    timesteps,
    memory: 0,
    needsNoise: () => eta > 0,
    step(input) {
      checkStep('ddim', input, eta > 0);
      const timestep = timesteps[input.k]!;
      const abar = schedule.alphaCumprod(timestep);
      const next = timestep - stride;
      const abarNext = next >= 0 ? schedule.alphaCumprod(next) : setAlphaToOne ? 1 : schedule.alphaCumprod(0);
      const sigma = eta * Math.sqrt(((1 - abarNext) / (1 - abar)) * (1 - abar / abarNext));
      const { x0, noise: direction } = readPrediction(input, abar, config);
      const along = [
        [Math.sqrt(abarNext), x0],
        [Math.sqrt(1 - abarNext - sigma * sigma), direction],
      ] as const;
      const sample = sigma > 0 ? weightedSum(...along, [sigma, input.noise!]) : weightedSum(...along);
      const { shape } = input.x;
      return { sample: { data: sample, shape }, predictedX0: { data: x0, shape }, from: input.x };
    },
  };
}
