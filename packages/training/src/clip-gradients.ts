import * as tf from '@tensorflow/tfjs';
import type { NamedTensors } from '@controllab/tfjs-onnx';

/** As in PyTorch. */
const EPSILON = 1e-6;

/** Gradients scaled by min(1, maxNorm / (norm + 1e-6)), the norm being that of all of them together (torch's `clip_grad_norm_`). */
export function clipByGlobalNorm(grads: NamedTensors, maxNorm: number): NamedTensors {
  const squares = Object.values(grads).map((grad) => tf.sum(tf.square(grad)));
  const norm = tf.sqrt(tf.addN(squares));
  const scale = tf.minimum(1, tf.div(maxNorm, tf.add(norm, EPSILON)));
  return Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, tf.mul(grad, scale)]));
}
