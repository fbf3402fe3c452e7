import * as tf from '@tensorflow/tfjs';
import { Module } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { BasicConv2d } from './layers.ts';

// The blocks of Inception v3, named as in torchvision (`InceptionA` ... `InceptionE`). Where FID's network differs from
// torchvision's (the pooling), a comment says so. All take and give [N, C, H, W].

const concat = (...branches: tf.Tensor[]): tf.Tensor => tf.concat(branches, 1);

/**
 * Same size, mean of the values inside of the image. torchvision counts the padding too; TensorFlow, where the weights come from, does not.
 */
const averagePool = (x: tf.Tensor): tf.Tensor => nn.avgPool2d(x, 3, { padding: 1 });

/** Halves the size. */
const maxPool = (x: tf.Tensor): tf.Tensor => nn.maxPool2d(x, 3, { stride: 2 });

/** 35 x 35: 224 channels and those of the pooled branch. */
export class InceptionA extends Module {
  branch1x1: BasicConv2d;
  branch5x5_1: BasicConv2d;
  branch5x5_2: BasicConv2d;
  branch3x3dbl_1: BasicConv2d;
  branch3x3dbl_2: BasicConv2d;
  branch3x3dbl_3: BasicConv2d;
  branch_pool: BasicConv2d;

  constructor(inChannels: number, poolChannels: number) {
    super();
    this.branch1x1 = new BasicConv2d(inChannels, 64);
    this.branch5x5_1 = new BasicConv2d(inChannels, 48);
    this.branch5x5_2 = new BasicConv2d(48, 64, { kernel: 5, padding: 2 });
    this.branch3x3dbl_1 = new BasicConv2d(inChannels, 64);
    this.branch3x3dbl_2 = new BasicConv2d(64, 96, { kernel: 3, padding: 1 });
    this.branch3x3dbl_3 = new BasicConv2d(96, 96, { kernel: 3, padding: 1 });
    this.branch_pool = new BasicConv2d(inChannels, poolChannels);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const fives = this.branch5x5_2.forward(this.branch5x5_1.forward(x));
    const threes = this.branch3x3dbl_3.forward(this.branch3x3dbl_2.forward(this.branch3x3dbl_1.forward(x)));
    return concat(this.branch1x1.forward(x), fives, threes, this.branch_pool.forward(averagePool(x)));
  }
}

/** 35 x 35 to 17 x 17: 480 channels more. */
export class InceptionB extends Module {
  branch3x3: BasicConv2d;
  branch3x3dbl_1: BasicConv2d;
  branch3x3dbl_2: BasicConv2d;
  branch3x3dbl_3: BasicConv2d;

  constructor(inChannels: number) {
    super();
    this.branch3x3 = new BasicConv2d(inChannels, 384, { kernel: 3, stride: 2 });
    this.branch3x3dbl_1 = new BasicConv2d(inChannels, 64);
    this.branch3x3dbl_2 = new BasicConv2d(64, 96, { kernel: 3, padding: 1 });
    this.branch3x3dbl_3 = new BasicConv2d(96, 96, { kernel: 3, stride: 2 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    const threes = this.branch3x3dbl_3.forward(this.branch3x3dbl_2.forward(this.branch3x3dbl_1.forward(x)));
    return concat(this.branch3x3.forward(x), threes, maxPool(x));
  }
}

/** Seven positions in a column or a row. */
const COLUMN = { kernel: [7, 1], padding: [3, 0] } as const;
const ROW = { kernel: [1, 7], padding: [0, 3] } as const;

/** 17 x 17: 768 channels. `width`: of the factorised 7 x 7 convolutions. */
export class InceptionC extends Module {
  branch1x1: BasicConv2d;
  branch7x7_1: BasicConv2d;
  branch7x7_2: BasicConv2d;
  branch7x7_3: BasicConv2d;
  branch7x7dbl_1: BasicConv2d;
  branch7x7dbl_2: BasicConv2d;
  branch7x7dbl_3: BasicConv2d;
  branch7x7dbl_4: BasicConv2d;
  branch7x7dbl_5: BasicConv2d;
  branch_pool: BasicConv2d;

  constructor(inChannels: number, width: number) {
    super();
    this.branch1x1 = new BasicConv2d(inChannels, 192);
    this.branch7x7_1 = new BasicConv2d(inChannels, width);
    this.branch7x7_2 = new BasicConv2d(width, width, ROW);
    this.branch7x7_3 = new BasicConv2d(width, 192, COLUMN);
    this.branch7x7dbl_1 = new BasicConv2d(inChannels, width);
    this.branch7x7dbl_2 = new BasicConv2d(width, width, COLUMN);
    this.branch7x7dbl_3 = new BasicConv2d(width, width, ROW);
    this.branch7x7dbl_4 = new BasicConv2d(width, width, COLUMN);
    this.branch7x7dbl_5 = new BasicConv2d(width, 192, ROW);
    this.branch_pool = new BasicConv2d(inChannels, 192);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const sevens = this.branch7x7_3.forward(this.branch7x7_2.forward(this.branch7x7_1.forward(x)));
    const deep = this.branch7x7dbl_3.forward(this.branch7x7dbl_2.forward(this.branch7x7dbl_1.forward(x)));
    const twice = this.branch7x7dbl_5.forward(this.branch7x7dbl_4.forward(deep));
    return concat(this.branch1x1.forward(x), sevens, twice, this.branch_pool.forward(averagePool(x)));
  }
}

/** 17 x 17 to 8 x 8: 512 channels more. */
export class InceptionD extends Module {
  branch3x3_1: BasicConv2d;
  branch3x3_2: BasicConv2d;
  branch7x7x3_1: BasicConv2d;
  branch7x7x3_2: BasicConv2d;
  branch7x7x3_3: BasicConv2d;
  branch7x7x3_4: BasicConv2d;

  constructor(inChannels: number) {
    super();
    this.branch3x3_1 = new BasicConv2d(inChannels, 192);
    this.branch3x3_2 = new BasicConv2d(192, 320, { kernel: 3, stride: 2 });
    this.branch7x7x3_1 = new BasicConv2d(inChannels, 192);
    this.branch7x7x3_2 = new BasicConv2d(192, 192, ROW);
    this.branch7x7x3_3 = new BasicConv2d(192, 192, COLUMN);
    this.branch7x7x3_4 = new BasicConv2d(192, 192, { kernel: 3, stride: 2 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    const threes = this.branch3x3_2.forward(this.branch3x3_1.forward(x));
    const sevens = this.branch7x7x3_3.forward(this.branch7x7x3_2.forward(this.branch7x7x3_1.forward(x)));
    return concat(threes, this.branch7x7x3_4.forward(sevens), maxPool(x));
  }
}

/**
 * 8 x 8: 2048 channels. `pool`: FID's second such block takes the maximum, a slip of the original network that its weights were trained
 * with.
 */
export class InceptionE extends Module {
  branch1x1: BasicConv2d;
  branch3x3_1: BasicConv2d;
  branch3x3_2a: BasicConv2d;
  branch3x3_2b: BasicConv2d;
  branch3x3dbl_1: BasicConv2d;
  branch3x3dbl_2: BasicConv2d;
  branch3x3dbl_3a: BasicConv2d;
  branch3x3dbl_3b: BasicConv2d;
  branch_pool: BasicConv2d;
  #pool: 'average' | 'max';

  constructor(inChannels: number, pool: 'average' | 'max') {
    super();
    const row = { kernel: [1, 3], padding: [0, 1] } as const;
    const column = { kernel: [3, 1], padding: [1, 0] } as const;
    this.branch1x1 = new BasicConv2d(inChannels, 320);
    this.branch3x3_1 = new BasicConv2d(inChannels, 384);
    this.branch3x3_2a = new BasicConv2d(384, 384, row);
    this.branch3x3_2b = new BasicConv2d(384, 384, column);
    this.branch3x3dbl_1 = new BasicConv2d(inChannels, 448);
    this.branch3x3dbl_2 = new BasicConv2d(448, 384, { kernel: 3, padding: 1 });
    this.branch3x3dbl_3a = new BasicConv2d(384, 384, row);
    this.branch3x3dbl_3b = new BasicConv2d(384, 384, column);
    this.branch_pool = new BasicConv2d(inChannels, 192);
    this.#pool = pool;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const threes = this.branch3x3_1.forward(x);
    const twice = this.branch3x3dbl_2.forward(this.branch3x3dbl_1.forward(x));
    const pooled = this.#pool === 'max' ? nn.maxPool2d(x, 3, { padding: 1 }) : averagePool(x);
    return concat(
      this.branch1x1.forward(x),
      this.branch3x3_2a.forward(threes),
      this.branch3x3_2b.forward(threes),
      this.branch3x3dbl_3a.forward(twice),
      this.branch3x3dbl_3b.forward(twice),
      this.branch_pool.forward(pooled),
    );
  }
}
