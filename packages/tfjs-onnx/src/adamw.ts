import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from './errors.ts';
import { isRecording, runKernelMany } from './nn/dispatch.ts';
import { withScope } from './scope.ts';
import type { NamedTensors } from './types.ts';

export interface AdamWOptions {
  beta1?: number;
  beta2?: number;
  eps?: number;
  weightDecay?: number;
}

/** Step-dependent scalars; they are inputs of a compiled step because anything JavaScript computes while tracing is frozen. */
export interface AdamWSchedule {
  learningRate: tf.Scalar;
  /** 1 / (1 - beta1^t), t = 1 at the first step. */
  biasCorrection1: tf.Scalar;
  /** 1 / (1 - beta2^t). */
  biasCorrection2: tf.Scalar;
}

/** Below this size tensors are updated together: a bias of 64 numbers costs as much per op as one of 60,000. */
const GROUP_BELOW = 8192;
/** Keeps the folded update finite at learning rate 0; changes no float32 parameter. */
const MIN_STEP = 1e-12;

type Update = { p: tf.Tensor; m: tf.Tensor; v: tf.Tensor };

/**
 * AdamW (Loshchilov & Hutter 2019; torch.optim.AdamW with decay on every parameter).
 * The moments are kept without their (1 - beta) factors, m = sum beta1^(t-i) g_i, which saves two passes
 * over every parameter; they start at zero.
 * @returns the next parameters and moments, by name
 * @throws missing-tensor when a gradient or moment is absent
 */
export function adamw(
  params: NamedTensors,
  grads: NamedTensors,
  m: NamedTensors,
  v: NamedTensors,
  { learningRate, biasCorrection1, biasCorrection2 }: AdamWSchedule,
  { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 1e-2 }: AdamWOptions = {},
): { params: NamedTensors; m: NamedTensors; v: NamedTensors } {
  const names = Object.keys(params);
  for (const [what, tensors] of Object.entries({ gradient: grads, 'first moment': m, 'second moment': v })) {
    const missing = names.filter((name) => tensors[name] === undefined);
    if (missing.length > 0) throw new TfjsOnnxError('missing-tensor', `adamw: no ${what} for ${missing.join(', ')}`, { missing });
  }
  const step = tf.maximum(tf.mul(tf.mul(learningRate, biasCorrection1), 1 - beta1), MIN_STEP);
  // p -= step m / (sqrt(c v) + eps)  =  m / (sqrt(v c / step^2) + eps / step)
  const scale = tf.div(tf.mul(biasCorrection2, 1 - beta2), tf.square(step));
  const offset = tf.div(eps, step);
  const decay = tf.sub(1, tf.mul(learningRate, weightDecay));

  const update = (p: tf.Tensor, g: tf.Tensor, m0: tf.Tensor, v0: tf.Tensor): Update => {
    if (isRecording()) {
      const [p1, m1, v1] = runKernelMany('nn.AdamW', { p, g, m: m0, v: v0, scale, offset, decay }, { beta1, beta2 }) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return { p: p1, m: m1, v: v1 };
    }
    const m1 = tf.add(tf.mul(m0, beta1), g);
    const v1 = tf.add(tf.mul(v0, beta2), tf.square(g));
    return { p: tf.sub(tf.mul(p, decay), tf.div(m1, tf.add(tf.sqrt(tf.mul(v1, scale)), offset))), m: m1, v: v1 };
  };

  const next: { params: NamedTensors; m: NamedTensors; v: NamedTensors } = { params: {}, m: {}, v: {} };
  const store = (name: string, { p, m: m1, v: v1 }: Update): void => {
    next.params[name] = p;
    next.m[name] = m1;
    next.v[name] = v1;
  };
  const small = names.filter((name) => params[name]!.size < GROUP_BELOW);
  for (const name of names)
    if (params[name]!.size >= GROUP_BELOW)
      withScope(`adamw ${name}`, () => store(name, update(params[name]!, grads[name]!, m[name]!, v[name]!)));
  if (small.length > 0) {
    const flat = (tensors: NamedTensors): tf.Tensor1D => tf.concat(small.map((name) => tf.reshape(tensors[name]!, [-1]) as tf.Tensor1D));
    const joint = update(flat(params), flat(grads), flat(m), flat(v));
    const sizes = small.map((name) => params[name]!.size);
    const [ps, ms, vs] = [joint.p, joint.m, joint.v].map((t) => tf.split(t, sizes)) as [tf.Tensor[], tf.Tensor[], tf.Tensor[]];
    small.forEach((name, i) => {
      const shape = params[name]!.shape;
      store(name, { p: tf.reshape(ps[i]!, shape), m: tf.reshape(ms[i]!, shape), v: tf.reshape(vs[i]!, shape) });
    });
  }
  return next;
}
