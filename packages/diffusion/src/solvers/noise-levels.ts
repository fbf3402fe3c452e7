import { DiffusionError } from '../errors.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';

/** The noise levels a solver visits, in sigma = sqrt((1 - abar) / abar), the ratio of noise to signal. */
export interface NoiseLevels {
  /** What the network is told at each. */
  timesteps: readonly number[];
  /** One more than timesteps: the last is 0, where the run ends. */
  sigmas: readonly number[];
}

/** Curvature of the noise levels of "Elucidating the design space", equation 5. */
const RHO = 7;

/** sigma at each training timestep. */
export const trainingSigmas = (schedule: NoiseSchedule): Float64Array => schedule.alphasCumprod.map((abar) => Math.sqrt((1 - abar) / abar));

/** Levels at the given timesteps, whole or not; sigma is interpolated linearly in between. */
export function levelsAt(schedule: NoiseSchedule, timesteps: readonly number[]): NoiseLevels {
  const table = trainingSigmas(schedule);
  const at = (t: number): number => {
    const low = Math.min(Math.floor(t), table.length - 1);
    const high = Math.min(low + 1, table.length - 1);
    return table[low]! + (t - low) * (table[high]! - table[low]!);
  };
  return { timesteps, sigmas: [...timesteps.map(at), 0] };
}

/**
 * `steps` levels from max down to min, equally far apart in sigma^(1/7) ("Elucidating the design space of diffusion-based generative
 * models", equation 5).
 * @throws DiffusionError invalid-config
 */
export function karrasSigmas({ min, max, steps }: { min: number; max: number; steps: number }): number[] {
  if (!(min > 0 && max > min) || !Number.isInteger(steps) || steps < 1) {
    throw new DiffusionError(
      'invalid-config',
      `Error in karrasSigmas: expected 0 < min < max and at least one step, got ${min}, ${max} and ${steps}`,
      { min, max, steps },
    );
  }
  const [from, to] = [max ** (1 / RHO), min ** (1 / RHO)];
  return Array.from({ length: steps }, (_, i) => (from + (steps === 1 ? 0 : (i / (steps - 1)) * (to - from))) ** RHO);
}

/**
 * The timestep whose sigma this is, between two training timesteps by interpolation of log(sigma), as diffusers does; clamped to the
 * schedule.
 */
export function timestepOfSigma(schedule: NoiseSchedule, sigma: number): number {
  const table = trainingSigmas(schedule);
  if (table.length === 1) return 0;
  let low = 0;
  while (low < table.length - 2 && table[low + 1]! <= sigma) low++;
  const [a, b] = [Math.log(table[low]!), Math.log(table[low + 1]!)];
  return low + Math.max(0, Math.min(1, (Math.log(sigma) - a) / (b - a)));
}
