import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape } from '../types.ts';
import { isRecording, registerGradient, runKernelMany, sharedGradient } from './dispatch.ts';

/**
 * Layer normalisation over the last axis, torch.nn.LayerNorm.
 * @param x [..., C]
 * @param weight [C]
 * @param bias [C]
 * @throws shape-mismatch
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor {
  const c = x.shape[x.rank - 1];
  if (weight.shape[0] !== c || bias.shape[0] !== c) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `nn.layerNorm: expected x [..., C], weight and bias [C]; got x ${showShape(x.shape)}, weight ${showShape(weight.shape)}, bias ${showShape(bias.shape)}${inScope()}`,
      {
        op: 'nn.layerNorm',
        x: x.shape,
        weight: weight.shape,
      },
    );
  }
  if (isRecording()) return runKernelMany('nn.LayerNorm', { x, weight, bias }, { eps })[0] as tf.Tensor;
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, eps))), weight), bias);
}

registerGradient('nn.LayerNorm', { inputs: ['x', 'weight'], outputs: [false, true, true] }, ([dy], [x, weight, mean, rstd]) => {
  const at = sharedGradient('nn.LayerNormGrad', { dy: dy!, x: x!, weight: weight!, mean: mean!, rstd: rstd! });
  return { x: () => at(0), weight: () => at(1), bias: () => at(2) };
});
