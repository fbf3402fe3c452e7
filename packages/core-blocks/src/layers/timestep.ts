import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { Linear } from './layers.ts';
import { Module } from '../module.ts';

/** Longest wavelength of the sinusoidal embedding, in steps (DDPM and every diffusers model). */
const MAX_PERIOD = 10000;

/**
 * Sinusoidal embedding of timesteps.
 * `timesteps: [N]` (float, in training steps; fractions allowed) gives `[N, dim]`: sines then cosines, or cosines first with
 * `flipSinToCos`; an odd `dim` ends in a zero. `freqShift` is diffusers' downscale_freq_shift.
 * Source: diffusers `get_timestep_embedding`.
 */
export function timestepEmbedding(timesteps: tf.Tensor, dim: number, options: { flipSinToCos: boolean; freqShift: number }): tf.Tensor2D {
  const half = Math.floor(dim / 2);
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(MAX_PERIOD) * i) / (half - options.freqShift)));
  const angles = tf.mul(tf.reshape(timesteps, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
  const waves = options.flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)];
  const embedding = tf.concat(waves, 1) as tf.Tensor2D;
  return dim % 2 === 1
    ? tf.pad(embedding, [
        [0, 0],
        [0, 1],
      ])
    : embedding;
}

/** Two linear layers with a SiLU between: `[N, C]` to `[N, O]`, O being T by default. */
export class TimestepEmbedding extends Module {
  linear_1: Linear;
  linear_2: Linear;

  constructor(inChannels: number, timeEmbedDim: number, outChannels = timeEmbedDim) {
    super();
    this.linear_1 = new Linear(inChannels, timeEmbedDim);
    this.linear_2 = new Linear(timeEmbedDim, outChannels);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.linear_2.forward(nn.silu(this.linear_1.forward(x)));
  }
}
