import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';
import { activate, type Activation } from './activation.ts';
import { Conv2d, GroupNorm, Linear } from './layers.ts';
import { Module } from '../module.ts';
import { averageHalf, upsampleNearest } from './resize.ts';

/** How a residual block is built; what is left out is diffusers' default. */
export interface ResnetOptions {
  /** Width of the time embedding; null leaves it out (VAE). */
  tembChannels: number | null;
  groups: number;
  /** Groups of the second norm; as many as the first's. */
  groupsOut?: number;
  eps: number;
  activation?: Activation; // silu
  /** The time embedding scales and shifts what the second norm gives, instead of being added in front of it. */
  timeScaleShift?: boolean; // false
  /** The time embedding is projected as it comes, without an activation in front. */
  skipTimeActivation?: boolean; // false
  /** The sum is divided by it. */
  outputScale?: number; // 1
  /** Doubles or halves height and width behind the first norm, and in the shortcut. */
  resample?: 'up' | 'down' | null; // null
  /** Whether the shortcut is convolved; where the width changes. */
  convShortcut?: boolean;
  shortcutBias?: boolean; // true
  /** Width of the second convolution; that of the first. */
  lastChannels?: number;
}

/**
 * Residual block: norm, activation, conv, + time embedding, norm, activation, conv, + shortcut (a 1x1 convolution where the width changes).
 * `x: [N, C, H, W]`, `temb: [N, T]` give `[N, C', H, W]`. Source: diffusers `ResnetBlock2D`.
 */
export class ResnetBlock2D extends Module {
  norm1: GroupNorm;
  conv1: Conv2d;
  time_emb_proj: Linear | null;
  norm2: GroupNorm;
  conv2: Conv2d;
  conv_shortcut: Conv2d | null;
  #options: Required<Pick<ResnetOptions, 'activation' | 'timeScaleShift' | 'skipTimeActivation' | 'outputScale'>>;
  #resample: (x: tf.Tensor) => tf.Tensor;

  constructor(inChannels: number, outChannels: number, options: ResnetOptions) {
    super();
    const { tembChannels, groups, eps, timeScaleShift = false, groupsOut = groups, resample = null, lastChannels = outChannels } = options;
    const convShortcut = options.convShortcut ?? inChannels !== lastChannels;
    this.norm1 = new GroupNorm(groups, inChannels, eps);
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    this.time_emb_proj = tembChannels === null ? null : new Linear(tembChannels, timeScaleShift ? 2 * outChannels : outChannels);
    this.norm2 = new GroupNorm(groupsOut, outChannels, eps);
    this.conv2 = new Conv2d(outChannels, lastChannels, 3, { padding: 1 });
    this.conv_shortcut = convShortcut ? new Conv2d(inChannels, lastChannels, 1, { bias: options.shortcutBias ?? true }) : null;
    this.#options = {
      activation: options.activation ?? 'silu',
      timeScaleShift,
      skipTimeActivation: options.skipTimeActivation ?? false,
      outputScale: options.outputScale ?? 1,
    };
    this.#resample = resample === 'up' ? upsampleNearest : resample === 'down' ? averageHalf : (x) => x;
  }

  /** @throws CoreBlocksError invalid-input when a block that the time embedding scales gets none */
  forward(x: tf.Tensor, temb: tf.Tensor | null): tf.Tensor {
    const { activation, timeScaleShift, outputScale } = this.#options;
    let h = this.conv1.forward(this.#resample(this.norm1.activated(x, activation)));
    if (timeScaleShift) h = this.#scaledAndShifted(h, temb);
    else {
      const time = this.#time(temb, h);
      if (time) h = tf.add(h, time);
      h = this.norm2.activated(h, activation);
    }
    h = this.conv2.forward(h);
    const shortcut = this.#resample(x);
    const sum = tf.add(this.conv_shortcut ? this.conv_shortcut.forward(shortcut) : shortcut, h);
    return outputScale === 1 ? sum : tf.div(sum, outputScale);
  }

  /** The projected time embedding, [N, C, 1, 1]. */
  #time(temb: tf.Tensor | null, h: tf.Tensor): tf.Tensor | null {
    if (!this.time_emb_proj || !temb) return null;
    const { activation, skipTimeActivation } = this.#options;
    const projected = this.time_emb_proj.forward(skipTimeActivation ? temb : activate(temb, activation));
    return tf.reshape(projected, [h.shape[0] as number, projected.shape[1] as number, 1, 1]);
  }

  #scaledAndShifted(h: tf.Tensor, temb: tf.Tensor | null): tf.Tensor {
    const time = this.#time(temb, h);
    if (!time)
      throw new CoreBlocksError('invalid-input', 'ResnetBlock2D: a block of time_embedding_norm scale_shift needs a time embedding', {});
    const [scale, shift] = tf.split(time, 2, 1) as [tf.Tensor, tf.Tensor];
    return activate(tf.add(tf.mul(this.norm2.forward(h), tf.add(scale, 1)), shift), this.#options.activation);
  }
}
