import * as tf from '@tensorflow/tfjs';
import type { ControlStrength, Injection, InjectionPoint } from '@controllab/core-blocks';
import type { ControlNeXtOutput } from './controlnext.ts';
import { crossNormalize, type CrossNormalization } from './cross-normalization.ts';

/** How one release of ControlNeXt adds its control to the U-Net. */
export interface ControlNeXtInjection {
  point: InjectionPoint;
  normalization: CrossNormalization;
  /** The control is added times `factor * scale`, or `factor * sigmoid(scale)`. */
  gain: { factor: number; sigmoid: boolean };
  /**
   * Under classifier-free guidance: the scale of the unconditional half. The SVD pipelines set it to 0; those of SD1.5 and SDXL
   * leave it, and carry the other way as a comment ("makes the effect much stronger").
   */
  unconditionalScale: 'same' | 'zero';
}

/**
 * The released ways, which are five different ones. Weights trained for one do not fit another. `unconditionalScale` is for who calls
 * `injectControl` with `guided`; samplers here put control into one half of guidance by their own option.
 * - `sd15`: the SD1.5 training folder, which the authors call the standard.
 * - `sd15Inference`: the SD1.5 inference folder.
 * - `sdxl`: training and inference.
 * - `svd`: SVD-v2, training and inference.
 * - `svdV1`: its scale of 0 for the unconditional half goes through the sigmoid too, so that half gets 0.65 of the control
 *   (the conditional half 0.95 at a scale of 1).
 */
export const CONTROLNEXT_INJECTIONS = {
  sd15: {
    point: 'down_blocks.0',
    normalization: { kind: 'align', first: 'pool', eps: 1e-12 },
    gain: { factor: 1, sigmoid: false },
    unconditionalScale: 'same',
  },
  sd15Inference: {
    point: 'mid_block',
    normalization: { kind: 'align', first: 'pool', eps: 1e-12 },
    gain: { factor: 1, sigmoid: false },
    unconditionalScale: 'same',
  },
  sdxl: {
    point: 'conv_in',
    normalization: { kind: 'align', first: 'align', eps: 1e-12 },
    gain: { factor: 1, sigmoid: false },
    unconditionalScale: 'same',
  },
  svd: {
    point: 'down_blocks.0',
    normalization: { kind: 'align', first: 'align', eps: 1e-5 },
    gain: { factor: 0.2, sigmoid: false },
    unconditionalScale: 'zero',
  },
  svdV1: {
    point: 'down_blocks.3',
    normalization: { kind: 'align', first: 'align', eps: 1e-5 },
    gain: { factor: 1.3, sigmoid: true },
    unconditionalScale: 'zero',
  },
} as const satisfies Record<string, ControlNeXtInjection>;

/** 0 for the first half of a batch, 1 for the second: `[N, 1, 1, 1]`. */
const conditionalHalf = (n: number): tf.Tensor =>
  tf.tensor4d(
    Float32Array.from({ length: n }, (_, i) => (2 * i < n ? 0 : 1)),
    [n, 1, 1, 1],
  );

function gainOf({ factor, sigmoid }: ControlNeXtInjection['gain'], scale: number | tf.Tensor): number | tf.Tensor {
  if (typeof scale === 'number') return factor * (sigmoid ? 1 / (1 + Math.exp(-scale)) : scale);
  return tf.mul(sigmoid ? tf.sigmoid(scale) : scale, factor);
}

const times = (gain: number | tf.Tensor, strength: ControlStrength): number | tf.Tensor =>
  typeof gain === 'number' && typeof strength === 'number' ? gain * strength : tf.mul(gain, strength);

/**
 * The change of a U-Net's main branch by a control: `x + crossNormalize(control, x) * gain(scale)`. Unlike a zero convolution
 * it acts from the first step: at gain g the sum has (1 + g) times the mean of `x` and about sqrt(1 + g^2) times its deviation.
 * @param output of the control module; its `scale` may be another, a number or a tensor that broadcasts against `[N, C, h, w]`
 * @param options.strength multiplies the gain, behind a sigmoid where a release has one: 0 is no control
 * @param options.guided the batch is [unconditional half, conditional half], as in classifier-free guidance
 */
export function injectControl(
  how: ControlNeXtInjection,
  { control, scale }: ControlNeXtOutput,
  options: { guided?: boolean; strength?: ControlStrength } = {},
): Injection {
  return {
    point: how.point,
    apply(x) {
      const masked = options.guided && how.unconditionalScale === 'zero' ? tf.mul(conditionalHalf(x.shape[0] as number), scale) : scale;
      const gain = gainOf(how.gain, masked);
      const strong = options.strength === undefined || options.strength === 1 ? gain : times(gain, options.strength);
      return tf.add(x, tf.mul(crossNormalize(control, x, how.normalization), strong));
    },
  };
}
