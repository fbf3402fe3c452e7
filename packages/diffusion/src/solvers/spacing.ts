import { DiffusionError } from '../errors.ts';

/**
 * How the sampling steps are laid over the training steps ("Common diffusion noise schedules and sample steps are flawed", table 2):
 * `leading` 0, T/n, 2T/n ..., `trailing` T-1, T-1-T/n ..., `linspace` both ends included.
 */
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

/** NumPy's rounding, which the reference schedulers use: halves go to the even neighbour. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The `steps` timesteps of a sampling run, largest first, as diffusers' set_timesteps gives them.
 * `stepsOffset` is added to `leading` spacing only (Stable Diffusion uses 1). Throws DiffusionError unless 1 <= steps <= trainTimesteps.
 */
export function spacedTimesteps(trainTimesteps: number, steps: number, spacing: TimestepSpacing = 'leading', stepsOffset = 0): number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > trainTimesteps) {
    throw new DiffusionError(
      'invalid-config',
      `Error in spacedTimesteps: expected steps to be an integer in [1, ${trainTimesteps}], got ${steps}`,
      { steps },
    );
  }
  const timesteps = Array.from({ length: steps }, (_, i) => {
    switch (spacing) {
      case 'leading':
        return (steps - 1 - i) * Math.floor(trainTimesteps / steps) + stepsOffset;
      case 'trailing':
        return roundHalfToEven(trainTimesteps - i * (trainTimesteps / steps)) - 1;
      case 'linspace':
        return steps === 1 ? 0 : roundHalfToEven((steps - 1 - i) * ((trainTimesteps - 1) / (steps - 1)));
    }
  });
  if (timesteps.some((t) => !(t >= 0 && t < trainTimesteps))) {
    throw new DiffusionError(
      'invalid-config',
      `Error in spacedTimesteps: ${spacing} spacing of ${steps} steps with offset ${stepsOffset} leaves [0, ${trainTimesteps})`,
      { spacing, steps, stepsOffset },
    );
  }
  return timesteps;
}
