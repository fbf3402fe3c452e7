import type { NoiseSchedule } from '../noise-schedule.ts';
import { karrasSigmas, levelsAt, timestepOfSigma, type NoiseLevels } from './noise-levels.ts';
import { checkStep, readPrediction, weightedSum, type SolverConfig, type Scheduler } from './scheduler.ts';
import { spacedTimesteps } from './spacing.ts';

export interface EulerConfig extends SolverConfig {
  /** Karras' levels in place of the spaced timesteps' own: between the first and the last of those, or between given sigmas. */
  karras?: boolean | { min: number; max: number };
  /** What the network is told: the timestep, or 0.25 ln(sigma) as Stable Video Diffusion's is. */
  timestepType?: 'discrete' | 'continuous';
}

/** The noise levels of {@link euler}: diffusers' EulerDiscreteScheduler.set_timesteps, which does not round linspace's timesteps. */
export function eulerLevels(
  schedule: NoiseSchedule,
  { steps, spacing = 'linspace', stepsOffset = 0, karras = false, timestepType = 'discrete' }: EulerConfig,
): NoiseLevels {
  const { trainTimesteps } = schedule;
  const rounded = spacedTimesteps(trainTimesteps, steps, spacing, stepsOffset);
  const spaced = levelsAt(
    schedule,
    spacing === 'linspace' && steps > 1 ? rounded.map((_, i) => ((steps - 1 - i) * (trainTimesteps - 1)) / (steps - 1)) : rounded,
  );
  if (karras === false && timestepType === 'discrete') return spaced;
  const sigmas =
    karras === false
      ? spaced.sigmas.slice(0, -1)
      : karrasSigmas({ ...(karras === true ? { min: spaced.sigmas.at(-2)!, max: spaced.sigmas[0]! } : karras), steps });
  return {
    timesteps: sigmas.map((sigma) => (timestepType === 'continuous' ? 0.25 * Math.log(sigma) : timestepOfSigma(schedule, sigma))),
    sigmas: [...sigmas, 0],
  };
}

/**
 * Euler's method on the probability flow ODE ("Elucidating the design space", algorithm 1 without churn), as diffusers'
 * EulerDiscreteScheduler. In the units of {@link Scheduler} a step is DDIM's, between levels that need not be training timesteps.
 */
export function euler(schedule: NoiseSchedule, config: EulerConfig): Scheduler {
  const { timesteps, sigmas } = eulerLevels(schedule, config);
  return {
    timesteps,
    memory: 0,
    needsNoise: () => false,
    step(input) {
      checkStep('euler', input, false);
      const [sigma, next] = [sigmas[input.k]!, sigmas[input.k + 1]!];
      const { x0, noise } = readPrediction(input, 1 / (1 + sigma * sigma), config);
      const alpha = 1 / Math.sqrt(1 + next * next);
      const { shape } = input.x;
      return { sample: { data: weightedSum([alpha, x0], [alpha * next, noise]), shape }, predictedX0: { data: x0, shape }, from: input.x };
    },
  };
}
