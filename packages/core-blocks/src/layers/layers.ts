import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { Module, Parameter, type Init } from '../module.ts';
import { activate, isSilu, type Activation } from './activation.ts';

/** Initialisation of a layer with a weight and, perhaps, a bias. */
export interface LayerInit {
  weight: Init;
  bias: Init;
}

/** PyTorch's default for convolutions and linear layers: kaiming_uniform(a = sqrt 5), i.e. uniform in +-1/sqrt(fan_in), for both. */
export function defaultInit(fanIn: number): LayerInit {
  return { weight: { uniform: 1 / Math.sqrt(fanIn) }, bias: { uniform: 1 / Math.sqrt(fanIn) } };
}

/** All zeros: ControlNet's zero convolutions (ICCV 2023, section 3.1). */
export const ZERO_INIT: LayerInit = { weight: 'zeros', bias: 'zeros' };

/** 2-D convolution, weight [O, I, k, k]. `x: [N, I, H, W]` gives `[N, O, H', W']`. Padding: one number or [top, left, bottom, right]. */
export class Conv2d extends Module {
  weight: Parameter;
  bias: Parameter | null;
  #stride: number;
  #padding: number | [number, number, number, number];

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options: { stride?: number; padding?: number | [number, number, number, number]; bias?: boolean; init?: LayerInit } = {},
  ) {
    super();
    const init = options.init ?? defaultInit(inChannels * kernelSize * kernelSize);
    this.weight = new Parameter([outChannels, inChannels, kernelSize, kernelSize], init.weight);
    this.bias = (options.bias ?? true) ? new Parameter([outChannels], init.bias) : null;
    this.#stride = options.stride ?? 1;
    this.#padding = options.padding ?? 0;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return nn.conv2d(x, this.weight.tensor, this.bias?.tensor ?? null, { stride: this.#stride, padding: this.#padding });
  }
}

/** Affine map of the last dimension, weight [O, I]. `x: [..., I]` gives `[..., O]`. */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean; init?: LayerInit } = {}) {
    super();
    const init = options.init ?? defaultInit(inFeatures);
    this.weight = new Parameter([outFeatures, inFeatures], init.weight);
    this.bias = (options.bias ?? true) ? new Parameter([outFeatures], init.bias) : null;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return nn.linear(x, this.weight.tensor, this.bias?.tensor ?? null);
  }
}

/** Group normalisation over `x: [N, C, H, W]`, with SiLU fused behind it where a block needs both. */
export class GroupNorm extends Module {
  weight: Parameter;
  bias: Parameter;
  #groups: number;
  #eps: number;

  constructor(groups: number, channels: number, eps = 1e-5) {
    super();
    this.weight = new Parameter([channels], 'ones');
    this.bias = new Parameter([channels], 'zeros');
    this.#groups = groups;
    this.#eps = eps;
  }

  forward(x: tf.Tensor, options: { silu?: boolean } = {}): tf.Tensor {
    return nn.groupNorm(x, this.weight.tensor, this.bias.tensor, this.#groups, this.#eps, options);
  }

  /** The norm and an activation behind it; SiLU is fused. */
  activated(x: tf.Tensor, activation: Activation): tf.Tensor {
    return isSilu(activation) ? this.forward(x, { silu: true }) : activate(this.forward(x), activation);
  }
}

/** Layer normalisation of the last dimension of `x: [..., C]`; without `affine` nothing is learned. */
export class LayerNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  #channels: number;
  #eps: number;

  constructor(channels: number, eps = 1e-5, options: { affine?: boolean } = {}) {
    super();
    const affine = options.affine ?? true;
    this.weight = affine ? new Parameter([channels], 'ones') : null;
    this.bias = affine ? new Parameter([channels], 'zeros') : null;
    this.#channels = channels;
    this.#eps = eps;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const [weight, bias] = [this.weight?.tensor ?? tf.ones([this.#channels]), this.bias?.tensor ?? tf.zeros([this.#channels])];
    return nn.layerNorm(x, weight, bias, this.#eps);
  }
}

/** `x / sqrt(mean(x^2) + eps)` over the last dimension of `x: [..., C]`, times a weight [C] with `affine`. */
export class RmsNorm extends Module {
  weight: Parameter | null;
  #eps: number;

  constructor(channels: number, eps: number, options: { affine: boolean }) {
    super();
    this.weight = options.affine ? new Parameter([channels], 'ones') : null;
    this.#eps = eps;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const normal = tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), this.#eps)));
    return this.weight ? tf.mul(normal, this.weight.tensor) : normal;
  }
}

/** Rows of a table [V, C] by `ids: [N, S]` (int32), giving `[N, S, C]`. */
export class Embedding extends Module {
  weight: Parameter;

  constructor(count: number, channels: number, init: Init = { normal: 1 }) {
    super();
    this.weight = new Parameter([count, channels], init);
  }

  forward(ids: tf.Tensor): tf.Tensor {
    return nn.embedding(ids, this.weight.tensor);
  }
}
