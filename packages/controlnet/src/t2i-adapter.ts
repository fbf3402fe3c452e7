import * as tf from '@tensorflow/tfjs';
import { averageHalf, Conv2d, Module, pixelUnshuffle } from '@controllab/core-blocks';
import { ControlNetError } from './errors.ts';

/** Config of a T2I-Adapter. Keys and defaults are diffusers', of adapter_type `full_adapter`. */
export interface T2iAdapterConfig {
  in_channels?: number; // 3
  /** Widths of the levels: the U-Net's. */
  channels?: readonly number[]; // [320, 640, 1280, 1280]
  num_res_blocks?: number; // 2
  /** By how much the condition is unshuffled: the pixels per latent. */
  downscale_factor?: number; // 8
}

/** Means of 2x2 blocks of `x: [N, C, H, W]`; an odd last row or column counts by itself: torch's AvgPool2d(2, ceil_mode). */
function halved(x: tf.Tensor): tf.Tensor {
  // The mean of a value and itself is the value.
  const evened = [2, 3].reduce((y, axis) => {
    const size = y.shape[axis] as number;
    if (size % 2 === 0) return y;
    const last = y.shape.map((_, i) => (i === axis ? size - 1 : 0));
    return tf.concat([y, tf.slice(y, last)], axis);
  }, x);
  return averageHalf(evened);
}

/** 3x3 convolution, ReLU, 1x1 convolution, and a residual around them. */
class AdapterResnetBlock extends Module {
  block1: Conv2d;
  block2: Conv2d;

  constructor(channels: number) {
    super();
    this.block1 = new Conv2d(channels, channels, 3, { padding: 1 });
    this.block2 = new Conv2d(channels, channels, 1);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.add(this.block2.forward(tf.relu(this.block1.forward(x))), x);
  }
}

/** One level: halved but for the first, brought to the level's width, then residual blocks. */
class AdapterBlock extends Module {
  in_conv: Conv2d | null;
  resnets: AdapterResnetBlock[];
  readonly #down: boolean;

  constructor(inChannels: number, outChannels: number, blocks: number, down: boolean) {
    super();
    this.in_conv = inChannels === outChannels ? null : new Conv2d(inChannels, outChannels, 1);
    this.resnets = Array.from({ length: blocks }, () => new AdapterResnetBlock(outChannels));
    this.#down = down;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const h = this.#down ? halved(x) : x;
    return this.resnets.reduce((y, block) => block.forward(y), this.in_conv?.forward(h) ?? h);
  }
}

class FullAdapter extends Module {
  conv_in: Conv2d;
  body: AdapterBlock[];

  constructor(inChannels: number, channels: readonly number[], blocks: number) {
    super();
    this.conv_in = new Conv2d(inChannels, channels[0] as number, 3, { padding: 1 });
    this.body = channels.map((width, i) => new AdapterBlock(channels[Math.max(i - 1, 0)] as number, width, blocks, i > 0));
  }

  /** Features of every level. */
  forward(x: tf.Tensor): tf.Tensor[] {
    let h = this.conv_in.forward(x);
    return this.body.map((block) => (h = block.forward(h)));
  }
}

/**
 * T2I-Adapter: the condition, its pixels unshuffled into channels, through residual blocks to one feature map for each level of the U-Net's
 * encoder. With Stable Diffusion's widths: 77,369,280 parameters. Source: Mou et al. 2023, section 3.3; diffusers `T2IAdapter`.
 */
export class T2iAdapter extends Module {
  adapter: FullAdapter;
  readonly #factor: number;
  readonly #inChannels: number;

  constructor({ in_channels = 3, channels = [320, 640, 1280, 1280], num_res_blocks = 2, downscale_factor = 8 }: T2iAdapterConfig = {}) {
    super();
    this.adapter = new FullAdapter(in_channels * downscale_factor ** 2, channels, num_res_blocks);
    this.#factor = downscale_factor;
    this.#inChannels = in_channels;
  }

  /**
   * `condition: [N, K, f h, f w]` in [0, 1] to features `[N, C_i, h / 2^i, w / 2^i]`.
   * @throws ControlNetError invalid-input on a wrong shape
   */
  forward(condition: tf.Tensor): tf.Tensor[] {
    const [, channels, height, width] = condition.shape as [number, number, number, number];
    if (condition.rank !== 4 || channels !== this.#inChannels || height % this.#factor !== 0 || width % this.#factor !== 0)
      throw new ControlNetError(
        'invalid-input',
        `condition: expected [N, ${this.#inChannels}, H, W] with sides divisible by ${this.#factor}, got [${condition.shape.join(', ')}]`,
        { shape: condition.shape, factor: this.#factor },
      );
    return this.adapter.forward(pixelUnshuffle(condition, this.#factor));
  }
}
