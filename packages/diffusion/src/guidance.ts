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

/** Which of a step's `count` prompts are dropped: a pure function of (seed, step, index in the batch). */
export function promptDropMask({
  seed,
  step,
  count,
  probability,
}: {
  seed: number;
  step: number;
  count: number;
  probability: number;
}): boolean[] {
  return Array.from(uniform(seed, 'prompt-drop', step, count), (u) => u < probability);
}

/**
 * Replaces prompts by the empty string with `probability` (ControlNet section 3.3 drops 50%, so that the network learns to read
 * the condition image instead of the prompt). Deterministic by (seed, step, index in the batch).
 */
export function dropPrompts(
  prompts: readonly string[],
  { seed, step, probability = 0.5 }: { seed: number; step: number; probability?: number },
): string[] {
  const dropped = promptDropMask({ seed, step, count: prompts.length, probability });
  return prompts.map((prompt, i) => (dropped[i] ? '' : prompt));
}
