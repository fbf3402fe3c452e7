import { DiffusionError } from '../errors.ts';

/**
 * How the sampling steps are laid over the training steps ("Common diffusion noise schedules and sample steps are flawed", table 2):
 * `leading` 0, T/n, 2T/n ..., `trailing` T-1, T-1-T/n ..., `linspace` both ends included.
 */
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

export const timestepSpacings = ['leading', 'trailing', 'linspace'] as const satisfies readonly TimestepSpacing[];

/** NumPy's rounding, which the reference schedulers use: halves go to the even neighbour. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** @throws DiffusionError unless 1 <= steps <= limit */
export function checkSteps(steps: number, limit: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > limit)
    throw new DiffusionError('invalid-config', `Error in spacedTimesteps: expected steps to be an integer in [1, ${limit}], got ${steps}`, {
      steps,
      limit,
    });
}

/** Timesteps from the highest of `range` down by `stride`; the second one's rounding is in every distance, as in NumPy's arange. */
export const trailingTimesteps = (range: number, stride: number, count: number): number[] => {
  const distance = range - (range - stride);
  return Array.from({ length: count }, (_, i) => roundHalfToEven(range - i * distance) - 1);
};

/**
 * The `steps` timesteps of a sampling run, largest first, as diffusers' set_timesteps gives them.
 * `stepsOffset` is added to `leading` spacing only (Stable Diffusion uses 1). Throws DiffusionError unless 1 <= steps <= trainTimesteps.
 */
export function spacedTimesteps(trainTimesteps: number, steps: number, spacing: TimestepSpacing = 'leading', stepsOffset = 0): number[] {
  checkSteps(steps, trainTimesteps);
  const down = Array.from({ length: steps }, (_, i) => steps - 1 - i);
  const byRule = {
    leading: () => down.map((i) => i * Math.floor(trainTimesteps / steps) + stepsOffset),
    trailing: () => trailingTimesteps(trainTimesteps, trainTimesteps / steps, steps),
    linspace: () => down.map((i) => (steps === 1 ? 0 : roundHalfToEven(i * ((trainTimesteps - 1) / (steps - 1))))),
  };
  if (!Object.hasOwn(byRule, spacing))
    throw new DiffusionError(
      'invalid-config',
      `Error in spacedTimesteps: expected spacing ${timestepSpacings.join(', ')}, got ${spacing}`,
      {
        spacing,
      },
    );
  const timesteps = byRule[spacing]();
  if (timesteps.some((t) => !(Number.isInteger(t) && t >= 0 && t < trainTimesteps))) {
    throw new DiffusionError(
      'invalid-config',
      `Error in spacedTimesteps: ${spacing} spacing of ${steps} steps with offset ${stepsOffset} leaves [0, ${trainTimesteps})`,
      { spacing, steps, stepsOffset },
    );
  }
  return timesteps;
}
