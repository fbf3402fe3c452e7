import * as tf from '@tensorflow/tfjs';
import { Conv2d, Module, encoderStates, resolveEncoder } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { connectingConv, type Connection } from './connection.ts';
import { connected, CONTROLNET_SCHEMA, checkCondition, hintEncoder, type ControlNetConfig, type ControlOptions } from './controlnet.ts';
import type { HintEncoder } from './hint-encoder.ts';
import type { ControlResiduals } from './residuals.ts';

/**
 * ControlNet-lite, the paper's light baseline: "replacing each block's trainable copy with one single convolution layer".
 * No code was released, so the rest is our reading: conv_in and hint encoder as in ControlNet, then a chain of 3x3 convolutions,
 * one for every state the U-Net's encoder hands out and one for the middle block, with that state's width and stride 2 where
 * the U-Net downsamples; SiLU between them (without it the chain would be one linear map); each feeds a zero convolution.
 * No time step and no text enter. With Stable Diffusion's widths: 105,670,160 parameters.
 * Source: ControlNet (ICCV 2023), sections 4.2 and 4.3.
 */
export class ControlNetLite extends Module {
  conv_in: Conv2d;
  blocks: Conv2d[];
  controlnet_cond_embedding: HintEncoder;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d;
  readonly config: Readonly<ControlNetConfig>;

  constructor(config: ControlNetConfig, options: { connection?: Connection } = {}) {
    super();
    const connection = options.connection ?? 'zero';
    const encoder = resolveEncoder({ ...CONTROLNET_SCHEMA, model: 'ControlNetLite' }, config);
    const states = encoderStates(encoder);
    const last = states.at(-1) as (typeof states)[number];
    this.conv_in = new Conv2d(encoder.inChannels, states[0]?.channels as number, 3, { padding: 1 });
    this.blocks = [...states.slice(1), last].map(({ channels, factor }, i) => {
      const before = states[i] as (typeof states)[number];
      return new Conv2d(before.channels, channels, 3, { padding: 1, stride: factor / before.factor });
    });
    this.controlnet_cond_embedding = hintEncoder(config, states[0]?.channels as number, connection);
    this.controlnet_down_blocks = states.map(({ channels }) => connectingConv(connection, channels, channels, 1));
    this.controlnet_mid_block = connectingConv(connection, last.channels, last.channels, 1);
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
    const states = [tf.add(this.conv_in.forward(sample), this.controlnet_cond_embedding.forward(controlnetCond))];
    for (const conv of this.blocks) states.push(conv.forward(nn.silu(states.at(-1) as tf.Tensor)));
    const middle = states.pop() as tf.Tensor;
    return connected(this, states, middle, options);
  }
}
