import * as tf from '@tensorflow/tfjs';
import { Conv2d, Linear, Module, type ResnetBlock2D } from '@controllab/core-blocks';
import { ConvTrunk, DownConv, residual } from './conv-trunk.ts';

/** Length of the pooled features that the Frechet distance (mini-inception) compares. */
export const FEATURES = 256;
/** Side of the grid on which objects are located: a cell is 8 x 8 pixels. */
export const CELLS = 8;
/** Segmentation classes of emoji-scenes: 47 subgroups, and 0 for the background. */
export const SUBGROUPS = 48;

/**
 * The judge of what a picture shows: which objects and subgroups are in it, and which object each cell of an 8 x 8 grid shows. It plays
 * Inception's part for the embedded default, and is named so wherever its numbers appear.
 */
export class MiniInception extends Module {
  trunk: ConvTrunk;
  cells: Conv2d;
  down: DownConv;
  residual: ResnetBlock2D;
  objects: Linear;
  subgroups: Linear;

  /** `objects`: how many the pool has; a cell can also show the background, which is class 0 there. */
  constructor(objects: number) {
    super();
    const width = ConvTrunk.WIDTHS[2];
    this.trunk = new ConvTrunk();
    this.cells = new Conv2d(width, objects + 1, 1);
    this.down = new DownConv(width, FEATURES);
    this.residual = residual(FEATURES);
    this.objects = new Linear(FEATURES, objects);
    this.subgroups = new Linear(FEATURES, SUBGROUPS);
  }

  /**
   * Of images [N, 3, 64, 64] in [-1, 1]: pooled features [N, 256], logits of objects [N, O] and subgroups [N, 48], and of cells [N, 64, O +
   * 1].
   */
  forward(images: tf.Tensor): { features: tf.Tensor; objects: tf.Tensor; subgroups: tf.Tensor; cells: tf.Tensor } {
    const coarse = this.trunk.forward(images)[2];
    const cells = this.cells.forward(coarse);
    const [n, classes] = cells.shape as [number, number];
    const features = tf.mean(this.residual.forward(this.down.forward(coarse), null), [2, 3]);
    const located = tf.transpose(tf.reshape(cells, [n, classes, CELLS * CELLS]), [0, 2, 1]);
    // An object is in the picture where one cell is sure of it: a mean over the picture forgets what is small, or one of two.
    const strongest = tf.slice(tf.max(located, 1), [0, 1], [n, classes - 1]);
    return {
      features,
      objects: tf.add(this.objects.forward(features), strongest),
      subgroups: this.subgroups.forward(features),
      cells: located,
    };
  }
}

/** Mean cross-entropy of `logits` [..., C] against distributions of the same shape. */
export const crossEntropy = (logits: tf.Tensor, targets: tf.Tensor): tf.Scalar =>
  tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1))) as tf.Scalar;
