import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { Linear } from './layers.ts';
import { Module } from '../module.ts';

/** diffusers' names of what a feed-forward layer does between its two projections. */
export const FEED_FORWARD_ACTIVATIONS = ['geglu', 'gelu', 'gelu-approximate', 'geglu-approximate', 'swiglu', 'linear-silu'] as const;
export type FeedForwardActivation = (typeof FEED_FORWARD_ACTIVATIONS)[number];

export interface FeedForwardOptions {
  activation?: FeedForwardActivation; // geglu
  /** Inner width; four times the outer one. */
  inner?: number;
  feedForwardBias?: boolean; // true
}

/** GELU by its tanh formula, torch's approximate="tanh". */
const tanhGelu = (x: tf.Tensor): tf.Tensor => {
  const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
};

/** GELU by a sigmoid (diffusers calls this one geglu-approximate, though nothing is gated by another half). */
const sigmoidGelu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));

/** One half of a projection, gated by the other. */
const gated =
  (gate: (x: tf.Tensor) => tf.Tensor) =>
  (x: tf.Tensor): tf.Tensor => {
    const [hidden, by] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.mul(hidden, gate(by));
  };

const BETWEEN: Record<FeedForwardActivation, { halves: 1 | 2; apply: (x: tf.Tensor) => tf.Tensor }> = {
  geglu: { halves: 2, apply: gated(nn.gelu) },
  swiglu: { halves: 2, apply: gated(nn.silu) },
  gelu: { halves: 1, apply: nn.gelu },
  'gelu-approximate': { halves: 1, apply: tanhGelu },
  'geglu-approximate': { halves: 1, apply: sigmoidGelu },
  'linear-silu': { halves: 1, apply: nn.silu },
};

/** A projection and what follows it. */
class ActivatedProjection extends Module {
  proj: Linear;
  #apply: (x: tf.Tensor) => tf.Tensor;

  constructor(channels: number, inner: number, activation: FeedForwardActivation, bias: boolean) {
    super();
    const { halves, apply } = BETWEEN[activation];
    this.proj = new Linear(channels, inner * halves, { bias });
    this.#apply = apply;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.#apply(this.proj.forward(x));
  }
}

/**
 * Two projections of `[..., C]` with an activation between: GEGLU with an inner width of four times the outer one. Source: diffusers
 * `FeedForward`.
 */
export class FeedForward extends Module {
  net: [ActivatedProjection, null, Linear];

  constructor(channels: number, outChannels = channels, options: FeedForwardOptions = {}) {
    super();
    const { activation = 'geglu', inner = channels * 4, feedForwardBias: bias = true } = options;
    this.net = [new ActivatedProjection(channels, inner, activation, bias), null, new Linear(inner, outChannels, { bias })];
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.net[2].forward(this.net[0].forward(x));
  }
}
