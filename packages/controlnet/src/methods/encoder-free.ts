import type * as tf from '@tensorflow/tfjs';
import {
  initialize,
  resolveSpatioTemporalEncoder,
  type Control,
  type ControlTarget,
  type UNetEncoderConfig,
} from '@controllab/core-blocks';
import { VIDEO_CONTROLNET_SCHEMA, type ControlNetConfig } from '../controlnet.ts';
import type { ControlNetLite } from '../controlnet-lite.ts';
import type { ControlNetMlp } from '../controlnet-mlp.ts';
import { hintWidths } from './hint-widths.ts';
import { residualControl } from './residual-control.ts';

/** The image encoder with a video U-Net's widths and levels, which is all that a network without a copied encoder takes from it. */
function imageEncoder(target: ControlTarget): UNetEncoderConfig {
  if (!target.video) return target.encoder;
  const { block_out_channels, down_block_types, layers_per_block, num_attention_heads, cross_attention_dim } = target.encoder;
  return {
    in_channels: resolveSpatioTemporalEncoder({ ...VIDEO_CONTROLNET_SCHEMA, model: 'ControlNetLite' }, target.encoder).inChannels,
    block_out_channels,
    down_block_types: down_block_types.map((type) => type.replace('SpatioTemporal', '2D')),
    layers_per_block,
    attention_head_dim: num_attention_heads,
    cross_attention_dim,
  };
}

/**
 * The control of a network that has no copied encoder: it sees neither time nor text, so that the frames of a video are so many images to
 * it.
 */
export function encoderFreeControl(target: ControlTarget, create: (config: ControlNetConfig) => ControlNetLite | ControlNetMlp): Control {
  const module = create({ ...imageEncoder(target), conditioning_embedding_out_channels: hintWidths(target) });
  const images = (x: tf.Tensor): tf.Tensor => (target.video ? x.reshape([-1, ...x.shape.slice(2)]) : x);
  return residualControl(target, {
    module,
    initial: (_base, seed) => initialize(module, seed, 'control'),
    residuals: (t, options) => module.forward(images(t['sample']!), t['timesteps']!, t['context']!, images(t['condition']!), options),
  });
}
