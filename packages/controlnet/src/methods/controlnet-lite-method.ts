import type * as tf from '@tensorflow/tfjs';
import { initialize, type Method } from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import { ControlNetLite } from '../controlnet-lite.ts';
import { byResiduals } from './controlnet-method.ts';
import { hintWidths } from './hint-widths.ts';

/** SVD's frames are images to it: the widths are those of SD2.1's encoder, which SVD's copies frame by frame. */
const VIDEO = { attention_head_dim: [5, 10, 20, 20], use_linear_projection: true };

/**
 * ControlNet-lite: one convolution in place of each copied block. It sees neither time nor text, so that a video's frames are so many
 * images to it. Source: ControlNet (ICCV 2023), section 4.2.
 */
export const controlNetLite = (): Method => ({
  id: 'controlnet-lite',
  label: 'ControlNet-lite',
  description: 'one convolution in place of each copied block (our reading of one sentence of the paper), tied in by zero convolutions',
  config: {},
  create(target) {
    const hint = { conditioning_embedding_out_channels: hintWidths(target.factor) };
    const module = new ControlNetLite(target.video ? { ...imageEncoder(target.encoder), ...hint } : { ...target.encoder, ...hint });
    const frames = (x: tf.Tensor): tf.Tensor => (target.video ? x.reshape([-1, ...x.shape.slice(2)]) : x);
    return byResiduals(
      module,
      (t: NamedTensors, options) => module.forward(frames(t['sample']!), t['timesteps']!, t['context']!, frames(t['condition']!), options),
      (_base, seed) => initialize(module, seed, 'control'),
    );
  },
});

/** The image encoder of the same widths as a video U-Net's. */
const imageEncoder = ({
  in_channels,
  block_out_channels,
  layers_per_block,
  cross_attention_dim,
  down_block_types,
}: {
  in_channels?: number;
  block_out_channels: readonly number[];
  layers_per_block: number;
  cross_attention_dim: number;
  down_block_types: readonly string[];
}) => ({
  ...(in_channels === undefined ? {} : { in_channels }),
  block_out_channels,
  layers_per_block,
  cross_attention_dim,
  down_block_types: down_block_types.map((name) => name.replace('SpatioTemporal', '2D')),
  ...VIDEO,
});
