import { DiffusionError } from '../errors.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { ruledSigmas, sigmasAt, timestepOfSigma, trainingSigmas, type LevelConfig, type NoiseLevels } from './noise-levels.ts';
import { spacedTimesteps } from './spacing.ts';

export interface InterpolatedLevelConfig extends LevelConfig {
  /** sigma between training timesteps; `log_linear` lays steps + 1 levels evenly over the whole schedule's log(sigma). */
  interpolation?: 'linear' | 'log_linear';
  /** What a network that predicts v is told: the timestep, or 0.25 ln(sigma) as Stable Video Diffusion's is. */
  timestepType?: 'discrete' | 'continuous';
}

/**
 * The noise levels of Euler's method, Heun's and the linear multistep one, which are not bound to whole timesteps: as set_timesteps of
 * their diffusers schedulers, which does not round linspace's timesteps.
 */
export function interpolatedLevels(schedule: NoiseSchedule, config: InterpolatedLevelConfig): NoiseLevels {
  const { steps, spacing = 'linspace', stepsOffset = 0, sigmas: rule = 'timesteps', interpolation = 'linear' } = config;
  const { timestepType = 'discrete', finalSigma = 'zero', prediction } = config;
  const { trainTimesteps } = schedule;
  const table = trainingSigmas(schedule);
  const rounded = spacedTimesteps(trainTimesteps, steps, spacing, stepsOffset);
  const spaced =
    spacing === 'linspace' && steps > 1 ? rounded.map((_, i) => ((steps - 1 - i) * (trainTimesteps - 1)) / (steps - 1)) : rounded;
  const own =
    interpolation === 'linear'
      ? sigmasAt(table, spaced)
      : ruledSigmas('exponential', { min: table[0]!, max: table.at(-1)!, steps: steps + 1 });
  const sigmas =
    rule === 'timesteps' ? own : ruledSigmas(rule, { min: config.sigmaMin ?? own.at(-1)!, max: config.sigmaMax ?? own[0]!, steps });
  const asked = rule === 'timesteps' ? spaced : sigmas.map((sigma) => timestepOfSigma(table, sigma));
  return {
    timesteps: timestepType === 'continuous' && prediction === 'v' ? sigmas.slice(0, steps).map((sigma) => 0.25 * Math.log(sigma)) : asked,
    sigmas: [...sigmas, finalSigma === 'zero' ? 0 : table[0]!],
  };
}

/** @throws DiffusionError invalid-config for a network that must be told noise levels, by a solver that visits timesteps */
export function refuseContinuous(name: string, { timestepType, prediction }: InterpolatedLevelConfig): void {
  if (timestepType === 'continuous' && prediction === 'v')
    throw new DiffusionError(
      'invalid-config',
      `Error in ${name}: the network is told noise levels (timestep_type continuous); sample with euler, euler-a, heun or lms`,
      { timestepType },
    );
}
