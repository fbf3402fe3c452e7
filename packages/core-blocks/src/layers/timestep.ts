import * as tf from '@tensorflow/tfjs';
import { Linear } from './layers.ts';
import { Module, Parameter } from '../module.ts';
import { activate, type Activation } from './activation.ts';

/** Longest wavelength of the sinusoidal embedding, in steps (DDPM and every diffusers model). */
const MAX_PERIOD = 10000;

/** How numbers become waves; names are diffusers' in camel case. */
export interface SinusoidOptions {
  flipSinToCos: boolean;
  /** diffusers' downscale_freq_shift. */
  freqShift: number;
  /** What the angles are multiplied by; 1. */
  scale?: number;
  /** Longest wavelength, in steps; 10000. */
  maxPeriod?: number;
}

/** Zeros behind an embedding of odd width. */
const padOne = (x: tf.Tensor2D): tf.Tensor2D =>
  tf.pad(x, [
    [0, 0],
    [0, 1],
  ]);

/**
 * Sinusoidal embedding of timesteps.
 * `timesteps: [N]` (float, in training steps; fractions allowed) gives `[N, dim]`: sines then cosines, or cosines first with
 * `flipSinToCos`; an odd `dim` ends in a zero. Source: diffusers `get_timestep_embedding`.
 */
export function timestepEmbedding(
  timesteps: tf.Tensor,
  dim: number,
  { flipSinToCos, freqShift, scale = 1, maxPeriod = MAX_PERIOD }: SinusoidOptions,
): tf.Tensor2D {
  const half = Math.floor(dim / 2);
  if (half === 0) return tf.zeros([timesteps.size, dim]);
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(maxPeriod) * i) / (half - freqShift)));
  const unscaled = tf.mul(tf.reshape(timesteps, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
  const angles = scale === 1 ? unscaled : tf.mul(unscaled, scale);
  const waves = flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)];
  const embedding = tf.concat(waves, 1) as tf.Tensor2D;
  return dim % 2 === 1 ? padOne(embedding) : embedding;
}

/**
 * Waves of fixed random frequencies: `timesteps: [N]` gives `[N, 2 F]`. The frequencies are stored with the weights and never trained.
 * Source: diffusers `GaussianFourierProjection` without its logarithm.
 */
export class GaussianFourierProjection extends Module {
  weight: Parameter;
  #flipSinToCos: boolean;

  constructor(frequencies: number, flipSinToCos: boolean) {
    super();
    this.weight = new Parameter([frequencies], { normal: 1 });
    this.#flipSinToCos = flipSinToCos;
  }

  forward(timesteps: tf.Tensor): tf.Tensor {
    const turns = tf.mul(tf.reshape(timesteps, [-1, 1]), tf.reshape(this.weight.tensor, [1, -1]));
    const angles = tf.mul(tf.mul(turns, 2), Math.PI);
    return tf.concat(this.#flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)], 1);
  }
}

/**
 * Two linear layers with an activation between (SiLU): `[N, C]` to `[N, O]`, O being T by default. Source: diffusers `TimestepEmbedding`.
 */
export class TimestepEmbedding extends Module {
  linear_1: Linear;
  cond_proj: Linear | null;
  linear_2: Linear;
  #activation: Activation;
  #post: Activation | null;

  /**
   * @param options.postActivation behind the second layer
   * @param options.conditionChannels width of a condition that is projected without a bias and added to the input
   */
  constructor(
    inChannels: number,
    timeEmbedDim: number,
    outChannels = timeEmbedDim,
    options: { activation?: Activation; postActivation?: Activation | null; conditionChannels?: number | null; bias?: boolean } = {},
  ) {
    super();
    const { activation = 'silu', postActivation = null, conditionChannels = null, bias = true } = options;
    this.linear_1 = new Linear(inChannels, timeEmbedDim, { bias });
    this.cond_proj = conditionChannels === null ? null : new Linear(conditionChannels, inChannels, { bias: false });
    this.linear_2 = new Linear(timeEmbedDim, outChannels, { bias });
    this.#activation = activation;
    this.#post = postActivation;
  }

  /** `condition: [N, K]` for a layer that projects one; without it nothing is added. */
  forward(x: tf.Tensor, condition?: tf.Tensor): tf.Tensor {
    const input = condition && this.cond_proj ? tf.add(x, this.cond_proj.forward(condition)) : x;
    const y = this.linear_2.forward(activate(this.linear_1.forward(input), this.#activation));
    return this.#post ? activate(y, this.#post) : y;
  }
}
