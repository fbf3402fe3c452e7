import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from './errors.ts';
import type { NamedTensors } from './types.ts';

/**
 * The value of a scalar function and its gradients by name, from tfjs's tape.
 * @throws unconnected-parameter, naming every parameter that the value does not depend on
 */
export function valueAndGrads(f: () => tf.Tensor, params: NamedTensors): { value: tf.Scalar; grads: NamedTensors } {
  const names = Object.keys(params);
  const { value, grads } = tf.engine().gradients(
    f as () => tf.Scalar,
    names.map((name) => params[name] as tf.Tensor),
    undefined,
    true,
  );
  const unconnected = names.filter((_, i) => (grads[i] as tf.Tensor | undefined) === undefined);
  if (unconnected.length > 0) {
    throw new TfjsOnnxError(
      'unconnected-parameter',
      `valueAndGrads: the value does not depend on ${unconnected.join(', ')}; leave them out of the trainable parameters or use them`,
      {
        parameters: unconnected,
      },
    );
  }
  return { value: value as tf.Scalar, grads: Object.fromEntries(names.map((name, i) => [name, grads[i] as tf.Tensor])) };
}
