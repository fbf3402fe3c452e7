import { spacedTimesteps } from '../levels/spacing.ts';
import { refuseContinuous } from '../levels/interpolated-levels.ts';
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

export interface DdimConfig extends SolverConfig {
  /** 0: deterministic DDIM; 1: DDPM's variance. */
  eta?: number;
  /** Whether the last step goes to abar = 1 or, as Stable Diffusion does, to abar_0. */
  setAlphaToOne?: boolean;
}

/** DDIM ("Denoising diffusion implicit models", equation 12), as diffusers' DDIMScheduler. */
export function ddim(schedule: NoiseSchedule, config: DdimConfig): Scheduler {
  const { steps, spacing = 'leading', stepsOffset = 0, eta = 0, setAlphaToOne = true } = config;
  refuseContinuous('ddim', config);
  const stride = Math.floor(schedule.trainTimesteps / steps);
  const timesteps = spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset);
  const abars = timesteps.map((t) => schedule.alphaCumprod(t));
  checkSignal('ddim', abars, config);
  return {
    timesteps,
    initialScale: 1,
    memory: 0,
    needsNoise: () => eta > 0,
    step(input) {
      checkStep('ddim', input, eta > 0);
      const abar = abars[input.k]!;
      const next = timesteps[input.k]! - stride;
      const abarNext = next >= 0 ? schedule.alphaCumprod(next) : setAlphaToOne ? 1 : schedule.alphaCumprod(0);
      const sigma = eta * Math.sqrt(((1 - abarNext) / (1 - abar)) * (1 - abar / abarNext));
      const predicted = readPrediction(input, abar, config);
      const along = [
        [Math.sqrt(abarNext), predicted.x0],
        // Of pure noise sigma is all there is, and rounding may make it more.
        [Math.sqrt(Math.max(0, 1 - abarNext - sigma * sigma)), predicted.noise],
      ] as const;
      return stepResult(input, sigma > 0 ? weightedSum(...along, [sigma, input.noise!]) : weightedSum(...along), predicted);
    },
  };
}
