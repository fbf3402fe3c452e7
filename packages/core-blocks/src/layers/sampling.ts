import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';
import { Conv2d, LayerNorm, RmsNorm } from './layers.ts';
import { Module } from '../module.ts';
import { averageHalf, upsampleNearest } from './resize.ts';

/** A norm over the channels in front of a sampler. */
export interface ChannelNorm {
  kind: 'layer' | 'rms';
  eps: number;
  affine: boolean;
}

/** What upsampler and downsampler share. */
interface SamplerOptions {
  /** Whether there is a convolution; it is what may change the width. */
  conv?: boolean; // true
  kernelSize?: number; // 3
  bias?: boolean; // true
  norm?: ChannelNorm | null; // null
}

const channelNorm = (channels: number, norm: ChannelNorm | null | undefined): LayerNorm | RmsNorm | null => {
  if (!norm) return null;
  const { kind, eps, affine } = norm;
  return kind === 'layer' ? new LayerNorm(channels, eps, { affine }) : new RmsNorm(channels, eps, { affine });
};

/** `x: [N, C, H, W]` normalised over C. */
const normalized = (x: tf.Tensor, norm: LayerNorm | RmsNorm | null): tf.Tensor =>
  norm ? tf.transpose(norm.forward(tf.transpose(x, [0, 2, 3, 1])), [0, 3, 1, 2]) : x;

/**
 * Halves height and width by a stride-2 convolution, or by the mean of 2x2 blocks without one. Padding 1 on all sides (U-Net), or
 * `padding: 0`: one row below and one column to the right only, as the VAE's encoder does. Source: diffusers `Downsample2D`.
 */
export class Downsample2D extends Module {
  conv: Conv2d | null;
  norm: LayerNorm | RmsNorm | null;

  /** @throws CoreBlocksError invalid-config for a width that changes without a convolution */
  constructor(channels: number, outChannels = channels, padding = 1, options: SamplerOptions = {}) {
    super();
    const { conv = true, kernelSize = 3, bias = true, norm } = options;
    if (!conv && outChannels !== channels)
      throw new CoreBlocksError('invalid-config', `Downsample2D: out_channels ${outChannels} without a convolution must be ${channels}`, {
        channels,
        outChannels,
      });
    const sides = padding === 0 ? ([0, 0, 1, 1] as [number, number, number, number]) : padding;
    this.conv = conv ? new Conv2d(channels, outChannels, kernelSize, { stride: 2, padding: sides, bias }) : null;
    this.norm = channelNorm(channels, norm);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const h = normalized(x, this.norm);
    return this.conv ? this.conv.forward(h) : averageHalf(h);
  }
}

/**
 * Doubles height and width (nearest neighbour), then convolves. Source: diffusers `Upsample2D`.
 */
export class Upsample2D extends Module {
  conv: Conv2d | null;
  norm: LayerNorm | RmsNorm | null;
  #interpolate: boolean;

  /** @param options.interpolate false: nothing is doubled, the convolution is all */
  constructor(channels: number, outChannels = channels, options: SamplerOptions & { padding?: number; interpolate?: boolean } = {}) {
    super();
    const { conv = true, kernelSize = 3, padding = 1, bias = true, norm, interpolate = true } = options;
    this.conv = conv ? new Conv2d(channels, outChannels, kernelSize, { padding, bias }) : null;
    this.norm = channelNorm(channels, norm);
    this.#interpolate = interpolate;
  }

  /** `size` [height, width]: interpolated to it instead of to twice the size, for a skip to be joined whose side was odd. */
  forward(x: tf.Tensor, size?: readonly [number, number]): tf.Tensor {
    const h = normalized(x, this.norm);
    const resized = this.#interpolate ? upsampleNearest(h, size) : h;
    return this.conv ? this.conv.forward(resized) : resized;
  }
}
