import { uniform } from '@controllab/data';

interface TimestepDraw {
  seed: number;
  step: number;
  count: number;
  trainTimesteps: number;
}

/** `count` independent training timesteps uniform in [0, T): a pure function of (seed, step). */
export function uniformTimesteps({ seed, step, count, trainTimesteps }: TimestepDraw): Int32Array {
  return Int32Array.from(uniform(seed, 'timestep', step, count), (u) => Math.floor(u * trainTimesteps));
}

/**
 * `count` training timesteps, one in each of `count` equal parts of [0, T) ("Variational diffusion models", section I.1, with a draw
 * of its own for each part): uniform over the batch, with much less variance in the loss than independent draws.
 */
export function stratifiedTimesteps({ seed, step, count, trainTimesteps }: TimestepDraw): Int32Array {
  return Int32Array.from(uniform(seed, 'timestep', step, count), (u, i) =>
    Math.min(trainTimesteps - 1, Math.floor(((i + u) / count) * trainTimesteps)),
  );
}
