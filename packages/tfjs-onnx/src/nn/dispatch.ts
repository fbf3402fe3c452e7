import * as tf from '@tensorflow/tfjs';

/** Name of the backend that records instead of computing. */
export const RECORDER = 'tfjs-onnx';

/** Whether ops are being recorded; if not, nn.* runs its twin in plain tfjs ops. */
export const isRecording = (): boolean => tf.getBackend() === RECORDER;

type Inputs = Record<string, tf.Tensor>;
type Attributes = Record<string, unknown>;

/** Runs a kernel of ours that has one output. */
export function runKernel<T extends tf.Tensor>(name: string, inputs: Inputs, attributes: Attributes = {}): T {
  return tf.engine().runKernel(name, inputs as never, attributes as never) as unknown as T;
}

/** Runs a kernel of ours that has several outputs. */
export function runKernelMany(name: string, inputs: Inputs, attributes: Attributes = {}): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs as never, attributes as never) as unknown as tf.Tensor[];
}

/**
 * A multi-output gradient kernel whose result several inputs share: it runs once, at the first use.
 * tfjs calls each input's gradient function in its own tidy, which would dispose of the other outputs.
 */
export function sharedGradient(name: string, inputs: Inputs, attributes: Attributes = {}): (i: number) => tf.Tensor {
  let outputs: tf.Tensor[] | null = null;
  return (i) => {
    outputs ??= runKernelMany(name, inputs, attributes).map((t) => tf.keep(t));
    return outputs[i] as tf.Tensor;
  };
}

/** Registers the gradient of one of our kernels; `gradient` returns a function per input, called lazily. */
export function registerGradient(
  kernelName: string,
  saved: { inputs: string[]; outputs?: boolean[] },
  gradient: (dy: tf.Tensor[], saved: tf.Tensor[], attributes: Attributes) => Record<string, () => tf.Tensor>,
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: saved.inputs,
    ...(saved.outputs === undefined ? {} : { outputsToSave: saved.outputs }),
    gradFunc: (dy, tensors, attributes) => gradient(Array.isArray(dy) ? dy : [dy], tensors, attributes as Attributes),
  });
}
