import * as tf from '@tensorflow/tfjs';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

/** SiLU (swish), x * sigmoid(x), of any shape. */
export function silu(x: tf.Tensor): tf.Tensor {
  return isRecording() ? runKernel('nn.Silu', { x }) : tf.mul(x, tf.sigmoid(x));
}

/** Exact GELU, x/2 (1 + erf(x / sqrt 2)), of any shape: torch.nn.functional.gelu's default. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return isRecording() ? runKernel('nn.Gelu', { x }) : tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
}

registerGradient('nn.Silu', { inputs: ['x'], outputs: [true] }, ([dy], [x, y]) => ({
  x: () => runKernel('nn.SiluGrad', { dy: dy!, x: x!, y: y! }),
}));
registerGradient('nn.Gelu', { inputs: ['x'] }, ([dy], [x]) => ({ x: () => runKernel('nn.GeluGrad', { dy: dy!, x: x! }) }));
