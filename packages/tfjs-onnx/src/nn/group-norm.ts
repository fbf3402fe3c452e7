import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape, sizeOf } from '../types.ts';
import { isRecording, registerGradient, runKernelMany, sharedGradient } from './dispatch.ts';
import { silu as siluOp } from './activations.ts';

function eager(x: tf.Tensor4D, weight: tf.Tensor, bias: tf.Tensor, numGroups: number, eps: number): tf.Tensor {
  const [n, c] = x.shape;
  const groups = tf.reshape(x, [n, numGroups, sizeOf(x.shape) / (n * numGroups)]);
  const { mean, variance } = tf.moments(groups, 2, true);
  const normal = tf.reshape(tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, eps))), x.shape);
  return tf.add(tf.mul(normal, tf.reshape(weight, [1, c, 1, 1])), tf.reshape(bias, [1, c, 1, 1]));
}

/**
 * Group normalisation, optionally followed by SiLU in the same kernel (every normalisation of a residual block is), torch.nn.GroupNorm.
 * @param x [N, C, H, W]; C divisible by `numGroups`
 * @param weight [C]
 * @param bias [C]
 * @throws shape-mismatch
 */
export function groupNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  numGroups: number,
  eps: number,
  { silu = false }: { silu?: boolean } = {},
): tf.Tensor4D {
  const c = x.shape[1];
  if (x.rank !== 4 || c === undefined || !(numGroups >= 1) || c % numGroups !== 0 || weight.shape[0] !== c || bias.shape[0] !== c) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `nn.groupNorm: expected x [N, C, H, W] with C divisible by ${numGroups} groups, weight and bias [C]; got x ${showShape(x.shape)}, weight ${showShape(weight.shape)}, bias ${showShape(bias.shape)}${inScope()}`,
      { op: 'nn.groupNorm', x: x.shape, numGroups },
    );
  }
  if (isRecording()) return runKernelMany('nn.GroupNorm', { x, weight, bias }, { numGroups, eps, silu })[0] as tf.Tensor4D;
  const y = eager(x as tf.Tensor4D, weight, bias, numGroups, eps);
  return (silu ? siluOp(y) : y) as tf.Tensor4D;
}

registerGradient(
  'nn.GroupNorm',
  { inputs: ['weight'], outputs: [true, true, true, true] },
  ([dy], [weight, y, normal, rstd, gate], attributes) => {
    const at = sharedGradient(
      'nn.GroupNormGrad',
      { dy: dy!, weight: weight!, y: y!, normal: normal!, rstd: rstd!, gate: gate! },
      attributes,
    );
    return { x: () => at(0), weight: () => at(1), bias: () => at(2) };
  },
);
