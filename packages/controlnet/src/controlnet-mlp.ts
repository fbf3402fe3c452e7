import * as tf from '@tensorflow/tfjs';
import { Conv2d, Module, encoderStates, pixelUnshuffle, resolveEncoder } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { connectingConv } from './connection.ts';
import { connected, CONTROLNET_SCHEMA, checkCondition, hintFactor, type ControlNetConfig, type ControlOptions } from './controlnet.ts';
import type { ControlResiduals } from './residuals.ts';

/** Pixels of f x f become channels of one: a pixel-wise network sees no neighbours, and shrinks a map without losing any of it. */
const shrunk = (x: tf.Tensor, factor: number): tf.Tensor => (factor === 1 ? x : pixelUnshuffle(x, factor));

/**
 * ControlNet-MLP: a multilayer perceptron for every pixel in place of the copied encoder. No code was released for it, so this is our
 * reading: ControlNet-lite with 1x1 convolutions, pixels unshuffled into channels where the encoder (and the hint encoder) shrinks the map.
 * It looks at no neighbourhood beyond those blocks, at no time step and no text.
 * Source: the discussion of ControlNet's ablation by its author, lllyasviel/ControlNet discussion 188.
 */
export class ControlNetMlp extends Module {
  conv_in: Conv2d;
  blocks: Conv2d[];
  condition_in: Conv2d;
  condition_out: Conv2d;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d;
  readonly config: Readonly<ControlNetConfig>;
  /** Of each block, and of the condition: how much it shrinks. */
  readonly #strides: readonly number[];
  readonly #factor: number;

  constructor(config: ControlNetConfig) {
    super();
    const encoder = resolveEncoder({ ...CONTROLNET_SCHEMA, model: 'ControlNetMlp' }, config);
    const states = encoderStates(encoder);
    const [first] = states as [(typeof states)[number]];
    const last = states.at(-1) as (typeof states)[number];
    const chain = [...states, last];
    this.#strides = chain.slice(1).map(({ factor }, i) => factor / chain[i]!.factor);
    this.#factor = hintFactor(config);
    this.conv_in = new Conv2d(encoder.inChannels, first.channels, 1);
    this.blocks = chain.slice(1).map(({ channels }, i) => new Conv2d(chain[i]!.channels * this.#strides[i]! ** 2, channels, 1));
    this.condition_in = new Conv2d((config.conditioning_channels ?? 3) * this.#factor ** 2, first.channels, 1);
    this.condition_out = connectingConv('zero', first.channels, first.channels, 1);
    this.controlnet_down_blocks = states.map(({ channels }) => connectingConv('zero', channels, channels, 1));
    this.controlnet_mid_block = connectingConv('zero', last.channels, last.channels, 1);
    this.config = config;
  }

  /** Arguments and result as `ControlNetModel.forward`, so that one can stand for the other; time and text are not looked at. */
  forward(
    sample: tf.Tensor,
    _timesteps: tf.Tensor,
    _encoderHiddenStates: tf.Tensor,
    controlnetCond: tf.Tensor,
    options: ControlOptions = {},
  ): ControlResiduals {
    checkCondition(this.config, sample, controlnetCond);
    const hint = this.condition_out.forward(nn.silu(this.condition_in.forward(shrunk(controlnetCond, this.#factor))));
    const states = [tf.add(this.conv_in.forward(sample), hint)];
    for (const [i, conv] of this.blocks.entries())
      states.push(conv.forward(shrunk(nn.silu(states.at(-1) as tf.Tensor), this.#strides[i]!)));
    const middle = states.pop() as tf.Tensor;
    return connected(this, states, middle, options);
  }
}
