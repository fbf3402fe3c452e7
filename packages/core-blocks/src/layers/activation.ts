import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../errors.ts';

/** Activations of diffusers' `get_activation`; swish is another name of silu. */
export const ACTIVATIONS = ['silu', 'swish', 'mish', 'gelu', 'relu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** x tanh(ln(1 + e^x)). */
const mish = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.tanh(tf.softplus(x)));

const FUNCTIONS: Record<Activation, (x: tf.Tensor) => tf.Tensor> = { silu: nn.silu, swish: nn.silu, mish, gelu: nn.gelu, relu: tf.relu };

export const isSilu = (activation: Activation): boolean => activation === 'silu' || activation === 'swish';

/** The activation of `x`, of any shape. */
export const activate = (x: tf.Tensor, activation: Activation): tf.Tensor => FUNCTIONS[activation](x);

/** An activation's name as diffusers reads it, whatever its case. @throws CoreBlocksError invalid-config */
export function activationNamed(model: string, key: string, name: string): Activation {
  const found = ACTIVATIONS.find((known) => known === name.toLowerCase());
  if (!found)
    throw new CoreBlocksError('invalid-config', `${model}: ${key}: expected ${ACTIVATIONS.join(', ')}; got ${JSON.stringify(name)}`, {
      key,
      name,
    });
  return found;
}
