import type * as tf from '@tensorflow/tfjs';
import { Conv2d, Module } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { connectingConv, type Connection } from './connection.ts';

/**
 * From the condition image to features of the latent's size: 3x3 convolutions with SiLU, one stride-2 step between each two
 * widths, so `n` widths shrink by 2^(n-1): [16, 32, 96, 256] by 8 (Stable Diffusion), three widths by 4.
 * The last convolution is a connection to the U-Net. Source: diffusers `ControlNetConditioningEmbedding`, which equals the released
 * ControlNet code; the paper's text (4x4 kernels, ReLU, widths 16, 32, 64, 128) describes a network that was not released.
 */
export class HintEncoder extends Module {
  conv_in: Conv2d;
  blocks: Conv2d[];
  conv_out: Conv2d;

  constructor(conditionChannels: number, widths: readonly number[], outChannels: number, connection: Connection) {
    super();
    this.conv_in = new Conv2d(conditionChannels, widths[0] as number, 3, { padding: 1 });
    this.blocks = widths.slice(1).flatMap((next, i) => {
      const width = widths[i] as number;
      return [new Conv2d(width, width, 3, { padding: 1 }), new Conv2d(width, next, 3, { padding: 1, stride: 2 })];
    });
    this.conv_out = connectingConv(connection, widths.at(-1) as number, outChannels, 3);
  }

  /** `c: [N, K, H, W]` to `[N, C, H/f, W/f]`. */
  forward(c: tf.Tensor): tf.Tensor {
    let h: tf.Tensor = nn.silu(this.conv_in.forward(c));
    for (const conv of this.blocks) h = nn.silu(conv.forward(h));
    return this.conv_out.forward(h);
  }
}
