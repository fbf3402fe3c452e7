import * as tf from '@tensorflow/tfjs';
import { Module, Parameter } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';

/** Of every batch normalisation in the network. */
const EPS = 0.001;

/** Weight [O, I, kh, kw] of a convolution without bias. */
class ConvWeight extends Module {
  weight: Parameter;

  constructor(shape: readonly [number, number, number, number]) {
    super();
    // Variance 2 / fan-in keeps the scale through ReLUs: a network with random weights then has features of a sensible size.
    this.weight = new Parameter(shape, { normal: Math.sqrt(2 / (shape[1] * shape[2] * shape[3])) });
  }
}

/** Batch normalisation as it is evaluated: its statistics are parameters like the others. */
class BatchNorm extends Module {
  weight: Parameter;
  bias: Parameter;
  running_mean: Parameter;
  running_var: Parameter;

  constructor(channels: number) {
    super();
    this.weight = new Parameter([channels], 'ones');
    this.bias = new Parameter([channels], 'zeros');
    this.running_mean = new Parameter([channels], 'zeros');
    this.running_var = new Parameter([channels], 'ones');
  }
}

export interface ConvOptions {
  /** A side, or height and width. */
  kernel?: number | readonly [number, number]; // 1
  stride?: number; // 1
  /** On every side, or above and below and at the sides. */
  padding?: number | readonly [number, number]; // 0
}

/**
 * Convolution, batch normalisation, ReLU: every layer of the network. `x: [N, I, H, W]` gives `[N, O, H', W']`.
 * The normalisation is a scale of the weights and a bias. Where the parameters are constants of a compiled graph, ONNX Runtime
 * works these out once and runs one kernel. Source: torchvision's `BasicConv2d`.
 */
export class BasicConv2d extends Module {
  conv: ConvWeight;
  bn: BatchNorm;
  #stride: number;
  #padding: [number, number, number, number];

  constructor(inChannels: number, outChannels: number, { kernel = 1, stride = 1, padding = 0 }: ConvOptions = {}) {
    super();
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const [down, across] = typeof padding === 'number' ? [padding, padding] : padding;
    this.conv = new ConvWeight([outChannels, inChannels, height, width]);
    this.bn = new BatchNorm(outChannels);
    this.#stride = stride;
    this.#padding = [down, across, down, across];
  }

  forward(x: tf.Tensor): tf.Tensor {
    const { weight, bias, running_mean: mean, running_var: variance } = this.bn;
    const scale = tf.mul(weight.tensor, tf.rsqrt(tf.add(variance.tensor, EPS)));
    const kernel = tf.mul(this.conv.weight.tensor, tf.reshape(scale, [-1, 1, 1, 1]));
    const shift = tf.sub(bias.tensor, tf.mul(mean.tensor, scale));
    return tf.relu(nn.conv2d(x, kernel, shift, { stride: this.#stride, padding: this.#padding }));
  }
}
