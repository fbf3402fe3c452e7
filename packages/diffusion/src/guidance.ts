import { uniform } from '@controllab/data';
import { DiffusionError } from './errors.ts';
import type { FloatTensor } from './forward.ts';

/**
 * Classifier-free guidance: uncond + scale (cond - uncond) ("Classifier-free diffusion guidance"; ControlNet equation 4).
 * All of one shape. Scale 1 is the conditional prediction.
 */
export function combineGuidance(cond: FloatTensor, uncond: FloatTensor, scale: number): FloatTensor {
  if (cond.shape.join() !== uncond.shape.join()) {
    throw new DiffusionError(
      'invalid-shape',
      `Error in combineGuidance: expected two tensors of one shape, got [${cond.shape}] and [${uncond.shape}]`,
      { cond: cond.shape, uncond: uncond.shape },
    );
  }
  const data = new Float32Array(cond.data.length);
  for (let i = 0; i < data.length; i++) data[i] = uncond.data[i]! + scale * (cond.data[i]! - uncond.data[i]!);
  return { data, shape: cond.shape };
}

/** Population standard deviation of a row. */
function deviation(values: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/**
 * Guided predictions brought back, by `rescale` in [0, 1], to the standard deviation of the conditional ones, each row [1, ...] of a batch
 * for itself: without it large scales overexpose. Source: "Common diffusion noise schedules and sample steps are flawed", section 3.4.
 */
export function rescaleGuidance(guided: FloatTensor, cond: FloatTensor, rescale: number): FloatTensor {
  const data = new Float32Array(guided.data.length);
  const row = data.length / guided.shape[0]!;
  for (let start = 0; start < data.length; start += row) {
    const part = guided.data.subarray(start, start + row);
    const spread = deviation(part);
    const factor = spread === 0 ? 1 : rescale * (deviation(cond.data.subarray(start, start + row)) / spread) + 1 - rescale;
    for (let i = 0; i < row; i++) data[start + i] = factor * part[i]!;
  }
  return { data, shape: guided.shape };
}

/**
 * Replaces prompts by the empty string with `probability` (ControlNet section 3.3 drops 50%, so that the network learns to read
 * the condition image instead of the prompt). Deterministic by (seed, step, index in the batch).
 */
export function dropPrompts(
  prompts: readonly string[],
  { seed, step, probability = 0.5 }: { seed: number; step: number; probability?: number },
): string[] {
  const draws = uniform(seed, 'prompt-drop', step, prompts.length);
  return prompts.map((prompt, i) => (draws[i]! < probability ? '' : prompt));
}
