import * as tf from '@tensorflow/tfjs';
import { isRecording, runKernel } from './nn/dispatch.ts';

/** tfjs's tape, which a gradient inside a gradient must not take for its own. */
const tape = (): { activeTape: unknown } => (tf.engine() as unknown as { state: { activeTape: unknown } }).state;

/** The gradients of f at `inputs` against dy, zeros where f does not depend on one. */
function gradientsOf(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const state = tape();
  const outer = state.activeTape;
  try {
    const { grads } = tf.engine().gradients(() => f(...inputs), inputs, dy, true);
    return grads.map((grad, i) => (grad as tf.Tensor | undefined) ?? tf.zerosLike(inputs[i]!));
  } finally {
    state.activeTape = outer;
  }
}

/**
 * f(...inputs), of which nothing is kept for the gradient but the inputs: f is computed again when its gradient is asked for. Trades the
 * time of one more forward pass for the memory of everything inside f (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016;
 * diffusers' gradient checkpointing). Value and gradients are those of f.
 * @param inputs every tensor that f's value depends on and that may need a gradient, parameters included: a trained tensor that f reads
 *   from elsewhere gets no gradient
 * @param activations how many of them, the first ones, were computed by the function under way; the rest (parameters) exist all the time
 */
export function recomputed(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[], activations = inputs.length): tf.Tensor {
  const run = tf.customGrad((...args) => {
    const save = args[inputs.length] as unknown as tf.GradSaveFunc;
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    save(given);
    return {
      value: f(...given),
      gradFunc: (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => {
        const upstream = Array.isArray(dy) ? dy[0]! : dy;
        // Without the dependence a compiler would see that everything was computed before, and keep it.
        const late = saved.map((x, i) => (isRecording() && i < activations ? runKernel('nn.After', { x, other: upstream }) : x));
        return gradientsOf(f, late, upstream);
      },
    };
  });
  return run(...inputs);
}
