import * as tf from '@tensorflow/tfjs';
import type { UNetResiduals } from '@controllab/core-blocks';
import { ControlNetError } from './errors.ts';

/** What a control network adds to the U-Net: one tensor `[N, C_i, h_i, w_i]` per skip connection and one for the middle block. */
export interface ControlResiduals {
  downBlockResiduals: tf.Tensor[];
  midBlockResidual: tf.Tensor;
}

/** A control strength: one number, or a tensor that broadcasts against `[N, C, h, w]` (a scalar; `[N, 1, 1, 1]` for one per sample). */
export type Strength = number | tf.Tensor;

/** Exponents of guess mode's weights: from a tenth at the highest resolution to one at the middle block. */
const GUESS_MODE_FIRST_EXPONENT = -1;

/**
 * Guess mode's weights of `connections` connections, the middle block's last: `logspace(-1, 0)` as in diffusers. (The original
 * code has 0.825^(12-i) instead: 0.099 to 1 for its 13 connections.)
 */
export function guessModeWeights(connections: number): number[] {
  if (connections === 1) return [1];
  return Array.from({ length: connections }, (_, i) => 10 ** (GUESS_MODE_FIRST_EXPONENT * (1 - i / (connections - 1))));
}

/**
 * Classifier-free guidance resolution weighting, `w_i = H / h_i` with H the latent's height (the paper's 64/h_i for 64x64
 * latents). The paper applies it to the conditional branch only, which is the only one that gets control.
 * Source: ControlNet (ICCV 2023), section 3.4; not in the released code.
 */
export function resolutionWeights({ downBlockResiduals, midBlockResidual }: ControlResiduals): number[] {
  const heights = [...downBlockResiduals, midBlockResidual].map(({ shape }) => shape[2] as number);
  return heights.map((height) => (heights[0] as number) / height);
}

/** Multiplies every connection by the strength, and by its own weight where weights (one per connection, middle last) are given. */
export function scaleResiduals(
  { downBlockResiduals, midBlockResidual }: ControlResiduals,
  strength: Strength,
  weights?: readonly number[],
): ControlResiduals {
  const connections = downBlockResiduals.length + 1;
  if (weights && weights.length !== connections)
    throw new ControlNetError('invalid-input', `weights: expected one for each of ${connections} connections, got ${weights.length}`, {
      connections,
      weights,
    });
  const scale = (residual: tf.Tensor, i: number) => {
    const factor =
      typeof strength === 'number' ? strength * (weights?.[i] ?? 1) : weights ? tf.mul(strength, weights[i] as number) : strength;
    return factor === 1 ? residual : tf.mul(residual, factor);
  };
  return { downBlockResiduals: downBlockResiduals.map(scale), midBlockResidual: scale(midBlockResidual, connections - 1) };
}

/** Names them as the U-Net's forward takes them. `onlyMid` keeps just the middle block's (the original code's only_mid_control). */
export function toUNetResiduals(
  { downBlockResiduals, midBlockResidual }: ControlResiduals,
  options: { onlyMid?: boolean } = {},
): UNetResiduals {
  return { ...(options.onlyMid ? {} : { downBlockAdditionalResiduals: downBlockResiduals }), midBlockAdditionalResidual: midBlockResidual };
}
