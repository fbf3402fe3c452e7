import * as tf from '@tensorflow/tfjs';
import { Conv2d, Module, type ResnetBlock2D, pixelShuffle } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { ConvTrunk, residual } from './conv-trunk.ts';
import { SUBGROUPS } from './inception.ts';
import { IMAGE_SIZE } from './models.ts';

/**
 * Reads a segmentation map back from a picture, to hold a generated one against the map that it was given. A feature pyramid on the shared
 * trunk.
 */
export class MiniSegmenter extends Module {
  trunk: ConvTrunk;
  lateral: [Conv2d, Conv2d];
  residuals: [ResnetBlock2D, ResnetBlock2D];
  out: Conv2d;

  constructor() {
    super();
    const [fine, middle, coarse] = ConvTrunk.WIDTHS;
    this.trunk = new ConvTrunk();
    this.lateral = [new Conv2d(coarse, middle, 1), new Conv2d(middle, fine, 1)];
    this.residuals = [residual(middle), residual(fine)];
    this.out = new Conv2d(fine, 4 * SUBGROUPS, 3, { padding: 1 });
  }

  /** Logits [N, 4096, 48] of images [N, 3, 64, 64] in [-1, 1], pixels in rows. */
  forward(images: tf.Tensor): tf.Tensor {
    const [fine, middle, coarse] = this.trunk.forward(images);
    const at16 = this.residuals[0].forward(tf.add(nn.upsampleNearest2x(this.lateral[0].forward(coarse)), middle), null);
    const at32 = this.residuals[1].forward(tf.add(nn.upsampleNearest2x(this.lateral[1].forward(at16)), fine), null);
    const logits = pixelShuffle(this.out.forward(at32), 2);
    return tf.transpose(tf.reshape(logits, [images.shape[0]!, SUBGROUPS, IMAGE_SIZE * IMAGE_SIZE]), [0, 2, 1]);
  }
}
