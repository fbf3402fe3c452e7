import type { NoiseSchedule } from '../noise-schedule.ts';
import { karrasSigmas, levelsAt, timestepOfSigma, trainingSigmas, type NoiseLevels } from './noise-levels.ts';
import type { SolverConfig } from './scheduler.ts';
import { roundHalfToEven, spacedTimesteps } from './spacing.ts';

export interface MultistepConfig extends SolverConfig {
  /** Karras' levels, from the schedule's largest sigma to its smallest, in place of the spaced timesteps' own. */
  karras?: boolean;
}

/**
 * The noise levels of DPM-Solver++ and UniPC, as their diffusers schedulers' set_timesteps. These solvers step to sigma = 0 themselves,
 * so `linspace` and `leading` lay one more timestep over the schedule and drop the last.
 */
export function multistepLevels(
  schedule: NoiseSchedule,
  { steps, spacing = 'linspace', stepsOffset = 0, karras = false }: MultistepConfig,
): NoiseLevels {
  const { trainTimesteps } = schedule;
  if (karras) {
    const table = trainingSigmas(schedule);
    const sigmas = karrasSigmas({ min: table[0]!, max: table.at(-1)!, steps });
    return { timesteps: sigmas.map((sigma) => roundHalfToEven(timestepOfSigma(schedule, sigma))), sigmas: [...sigmas, 0] };
  }
  return levelsAt(
    schedule,
    spacing === 'trailing'
      ? spacedTimesteps(trainTimesteps, steps, spacing)
      : spacedTimesteps(trainTimesteps, steps + 1, spacing, stepsOffset).slice(0, -1),
  );
}

/** A noise level as exponential integrators use it. */
export interface Level {
  /** sqrt(abar) and sqrt(1 - abar). */
  alpha: number;
  sigma: number;
  /** Half the log of the signal-to-noise ratio; infinite where there is no noise. */
  lambda: number;
}

export function levelOf(ratio: number): Level {
  const alpha = 1 / Math.sqrt(1 + ratio * ratio);
  return { alpha, sigma: ratio * alpha, lambda: -Math.log(ratio) };
}
