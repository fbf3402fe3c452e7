import { fillNormal, normal } from '@controllab/data';
import type { FloatTensor } from '../forward.ts';
import type { Scheduler, StepResult } from './scheduler.ts';

export interface SampleOptions {
  scheduler: Scheduler;
  /** x_T: [N, C, H, W] standard normal, e.g. from `initialNoise`; the scheduler's `initialScale` is applied here. */
  noise: FloatTensor;
  /** The network at (x_t, t), guidance included: what it returns goes straight into the scheduler. */
  predict(x: FloatTensor, timestep: number): Promise<FloatTensor>;
  /** Fresh noise for stochastic schedulers at the k-th sampling step; by default (seed, 'sampling-noise', k). */
  stepNoise?: (k: number, length: number) => Float32Array;
  /** Seed of the default `stepNoise`. */
  seed?: number;
  /** Called after every step, e.g. to collect a trajectory. */
  onStep?: (result: StepResult, k: number) => void;
}

/** Runs the reverse process from x_T to x_0: the sampling loop for every scheduler. Returns x_0, [N, C, H, W]. */
export async function sample({
  scheduler,
  noise,
  predict,
  seed = 0,
  stepNoise = (k, length) => normal(seed, 'sampling-noise', k, length),
  onStep,
}: SampleOptions): Promise<FloatTensor> {
  const { initialScale: scale } = scheduler;
  let x = scale === 1 ? noise : { data: noise.data.map((value) => scale * value), shape: noise.shape };
  let history: StepResult[] = [];
  for (const [k, timestep] of scheduler.timesteps.entries()) {
    const output = await predict(x, timestep);
    const result = scheduler.step({ k, x, output, history, noise: scheduler.needsNoise(k) ? stepNoise(k, x.data.length) : undefined });
    x = result.sample;
    if (scheduler.memory > 0) history = [...history, result].slice(-scheduler.memory);
    onStep?.(result, k);
  }
  return x;
}

/**
 * x_T of shape [N, ...]: row n depends only on (seed, firstIndex + n), so one image comes out the same in a batch of any size.
 */
export function initialNoise(seed: number, shape: readonly [number, ...number[]], firstIndex = 0): FloatTensor {
  const row = shape.slice(1).reduce((a, b) => a * b, 1);
  const data = new Float32Array(shape[0] * row);
  for (let n = 0; n < shape[0]; n++) fillNormal(data.subarray(n * row, (n + 1) * row), seed, 'initial-noise', firstIndex + n);
  return { data, shape };
}
