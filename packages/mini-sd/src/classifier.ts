import * as tf from '@tensorflow/tfjs';
import { Conv2d, GroupNorm, Linear, Module } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { pixelUnshuffle } from './pixels.ts';

class ConvBlock extends Module {
  conv: Conv2d;
  norm: GroupNorm;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new Conv2d(inChannels, outChannels, 3, { padding: 1, stride: 2 });
    this.norm = new GroupNorm(8, outChannels, 1e-5);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.norm.forward(this.conv.forward(x), { silu: true });
  }
}

/** Which object an image shows: the judge of generated singles. */
export class MiniClassifier extends Module {
  stem: Conv2d;
  blocks: ConvBlock[];
  hidden: Linear;
  out: Linear;

  constructor(classes: number) {
    super();
    this.stem = new Conv2d(12, 32, 3, { padding: 1 });
    this.blocks = [new ConvBlock(32, 64), new ConvBlock(64, 128), new ConvBlock(128, 192)];
    this.hidden = new Linear(192 * 16, 256);
    this.out = new Linear(256, classes);
  }

  /** Logits [N, classes] of images [N, 3, 64, 64] in [-1, 1]. */
  forward(images: tf.Tensor): tf.Tensor {
    let h: tf.Tensor = nn.silu(this.stem.forward(pixelUnshuffle(images)));
    for (const block of this.blocks) h = block.forward(h);
    return this.out.forward(nn.silu(this.hidden.forward(tf.reshape(h, [h.shape[0]!, 192 * 16]))));
  }
}
