import type * as tf from '@tensorflow/tfjs';
import { Conv2d, GroupNorm, Module, ResnetBlock2D, pixelUnshuffle } from '@controllab/core-blocks';

const GROUPS = 8;

/** Halves the sides: 3x3 convolution of stride 2, group norm, SiLU. */
export class DownConv extends Module {
  conv: Conv2d;
  norm: GroupNorm;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new Conv2d(inChannels, outChannels, 3, { padding: 1, stride: 2 });
    this.norm = new GroupNorm(GROUPS, outChannels);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.norm.forward(this.conv.forward(x), { silu: true });
  }
}

/** A residual block of the networks that look at pictures. */
export const residual = (inChannels: number, outChannels = inChannels): ResnetBlock2D =>
  new ResnetBlock2D(inChannels, outChannels, { tembChannels: null, groups: GROUPS, eps: 1e-5 });

/**
 * What the image encoder, the mini-inception and the mini-segmenter share: images [N, 3, 64, 64] in [-1, 1] to feature maps at 32, 16 and
 * 8.
 */
export class ConvTrunk extends Module {
  static readonly WIDTHS = [32, 64, 128] as const;
  stem: Conv2d;
  down: DownConv[];
  residuals: ResnetBlock2D[];

  constructor() {
    super();
    const [fine, middle, coarse] = ConvTrunk.WIDTHS;
    this.stem = new Conv2d(12, fine, 3, { padding: 1 });
    this.down = [new DownConv(fine, middle), new DownConv(middle, coarse)];
    this.residuals = [residual(middle), residual(coarse)];
  }

  /** [N, 32, 32, 32], [N, 64, 16, 16] and [N, 128, 8, 8]. */
  forward(images: tf.Tensor): [tf.Tensor, tf.Tensor, tf.Tensor] {
    const fine = this.stem.forward(pixelUnshuffle(images, 2));
    const middle = this.residuals[0]!.forward(this.down[0]!.forward(fine), null);
    return [fine, middle, this.residuals[1]!.forward(this.down[1]!.forward(middle), null)];
  }
}
