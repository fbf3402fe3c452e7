import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { Conv2d, GroupNorm, Linear } from './layers.ts';
import { Module } from '../module.ts';

/**
 * Residual block: norm, SiLU, conv, + time embedding, norm, SiLU, conv, + shortcut (a 1x1 convolution where the width changes).
 * `x: [N, C, H, W]`, `temb: [N, T]` give `[N, C', H, W]`. `tembChannels: null` leaves the time embedding out (VAE).
 * Source: diffusers `ResnetBlock2D`.
 */
export class ResnetBlock2D extends Module {
  norm1: GroupNorm;
  conv1: Conv2d;
  time_emb_proj: Linear | null;
  norm2: GroupNorm;
  conv2: Conv2d;
  conv_shortcut: Conv2d | null;

  constructor(inChannels: number, outChannels: number, options: { tembChannels: number | null; groups: number; eps: number }) {
    super();
    const { tembChannels, groups, eps } = options;
    this.norm1 = new GroupNorm(groups, inChannels, eps);
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    this.time_emb_proj = tembChannels === null ? null : new Linear(tembChannels, outChannels);
    this.norm2 = new GroupNorm(groups, outChannels, eps);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.conv_shortcut = inChannels === outChannels ? null : new Conv2d(inChannels, outChannels, 1);
  }

  forward(x: tf.Tensor, temb: tf.Tensor | null): tf.Tensor {
    let h = this.conv1.forward(this.norm1.forward(x, { silu: true }));
    if (this.time_emb_proj && temb)
      h = tf.add(h, tf.reshape(this.time_emb_proj.forward(nn.silu(temb)), [h.shape[0] as number, h.shape[1] as number, 1, 1]));
    h = this.conv2.forward(this.norm2.forward(h, { silu: true }));
    return tf.add(this.conv_shortcut ? this.conv_shortcut.forward(x) : x, h);
  }
}

/**
 * Halves height and width by a stride-2 convolution. Padding 1 on all sides (U-Net), or `padding: 0`: one row below and one
 * column to the right only, as the VAE's encoder does.
 */
export class Downsample2D extends Module {
  conv: Conv2d;

  constructor(channels: number, outChannels = channels, padding: 0 | 1 = 1) {
    super();
    this.conv = new Conv2d(channels, outChannels, 3, { stride: 2, padding: padding === 0 ? [0, 0, 1, 1] : 1 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.conv.forward(x);
  }
}

/**
 * Doubles height and width (nearest neighbour), then convolves. `size` [height, width]: where the skip to be joined is one
 * row or column smaller, because an odd side was halved, the last ones are cut off: what diffusers' interpolation to that
 * size gives.
 */
export class Upsample2D extends Module {
  conv: Conv2d;

  constructor(channels: number, outChannels = channels) {
    super();
    this.conv = new Conv2d(channels, outChannels, 3, { padding: 1 });
  }

  forward(x: tf.Tensor, size?: readonly [number, number]): tf.Tensor {
    const doubled = nn.upsampleNearest2x(x);
    const [, , height, width] = doubled.shape;
    const fits = !size || (size[0] === height && size[1] === width);
    return this.conv.forward(fits ? doubled : tf.slice(doubled, [0, 0, 0, 0], [-1, -1, ...size]));
  }
}
