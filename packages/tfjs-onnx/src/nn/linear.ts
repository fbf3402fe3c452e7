import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape, sizeOf } from '../types.ts';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

/**
 * y = x W^T + b over the last axis, torch.nn.functional.linear.
 * @param x [..., I]
 * @param weight [O, I]
 * @param bias [O] or null
 * @returns [..., O]
 * @throws shape-mismatch
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | null): tf.Tensor {
  const features = x.shape[x.rank - 1] ?? 0;
  if (weight.rank !== 2 || features !== weight.shape[1] || (bias !== null && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0]))) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `nn.linear: expected x [..., I], weight [O, I] and bias [O]; got x ${showShape(x.shape)}, weight ${showShape(weight.shape)}, bias ${bias === null ? 'none' : showShape(bias.shape)}${inScope()}`,
      { op: 'nn.linear', x: x.shape, weight: weight.shape },
    );
  }
  if (isRecording()) return runKernel('nn.Linear', bias === null ? { x, weight } : { x, weight, bias });
  const y = tf.matMul(tf.reshape(x, [sizeOf(x.shape) / features, features] as [number, number]), weight as tf.Tensor2D, false, true);
  return tf.reshape(bias === null ? y : tf.add(y, bias), [...x.shape.slice(0, -1), weight.shape[0]!]);
}

registerGradient('nn.Linear', { inputs: ['x', 'weight'] }, ([dy], [x, weight]) => ({
  x: () => runKernel('nn.LinearInputGrad', { dy: dy!, weight: weight! }),
  weight: () => runKernel('nn.LinearWeightGrad', { x: x!, dy: dy! }),
  bias: () => runKernel('nn.RowSum', { dy: dy! }),
}));
