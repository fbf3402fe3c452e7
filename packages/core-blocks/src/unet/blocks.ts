import * as tf from '@tensorflow/tfjs';
import { Transformer2DModel } from '../layers/attention.ts';
import { Module } from '../module.ts';
import { Downsample2D, ResnetBlock2D, Upsample2D } from '../layers/resnet.ts';
import { SpatioTemporalResBlock, TransformerSpatioTemporalModel } from '../layers/spatio-temporal.ts';

/** The transformer of one level; null in a block's options means a level without attention. */
export interface AttentionOptions {
  heads: number;
  contextChannels: number;
  layers: number;
  linearProjection: boolean;
}

/** What a U-Net's layers see beside the features `x: [N, C, H, W]`. */
export interface Conditions {
  /** Time embedding `[N, T]`. */
  temb: tf.Tensor;
  /** What is attended to, `[N, S, D]`. */
  context: tf.Tensor;
  /** Frames of a video, which follow each other along the batch: N is videos x frames. 1 for images. */
  frames: number;
}

interface BlockOptions {
  tembChannels: number;
  groups: number;
  eps: number;
  attention: AttentionOptions | null;
  /** Layers that see the frames of a video. */
  video: boolean;
}

type Residual = ResnetBlock2D | SpatioTemporalResBlock;
type Transformer = Transformer2DModel | TransformerSpatioTemporalModel;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function residual(inChannels: number, outChannels: number, options: Omit<BlockOptions, 'attention'>): Residual {
  return options.video ? new SpatioTemporalResBlock(inChannels, outChannels, options) : new ResnetBlock2D(inChannels, outChannels, options);
}

function transformers(
  count: number,
  channels: number,
  { attention, groups, video }: Pick<BlockOptions, 'attention' | 'groups' | 'video'>,
): Transformer[] {
  if (!attention) return [];
  return range(count).map(() =>
    video
      ? new TransformerSpatioTemporalModel(channels, { ...attention, groups })
      : new Transformer2DModel(channels, { ...attention, groups }),
  );
}

/**
 * One level of the encoder: `layers` times a residual block (and a transformer), then a downsampler but for the last level.
 * Source: diffusers `DownBlock2D`, `CrossAttnDownBlock2D` and their SpatioTemporal twins.
 */
export class DownBlock extends Module {
  attentions: Transformer[];
  resnets: Residual[];
  downsamplers: [Downsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; downsample: boolean }) {
    super();
    this.attentions = transformers(options.layers, outChannels, options);
    this.resnets = range(options.layers).map((i) => residual(i === 0 ? inChannels : outChannels, outChannels, options));
    this.downsamplers = options.downsample ? [new Downsample2D(outChannels)] : null;
  }

  /** `x: [N, C, H, W]`; `states` are the outputs the decoder's skips (and ControlNet) use. */
  forward(x: tf.Tensor, { temb, context, frames }: Conditions): { x: tf.Tensor; states: tf.Tensor[] } {
    const states: tf.Tensor[] = [];
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.forward(x, temb, frames);
      x = this.attentions[i]?.forward(x, context, frames) ?? x;
      states.push(x);
    }
    if (this.downsamplers) states.push((x = this.downsamplers[0].forward(x)));
    return { x, states };
  }
}

/**
 * Residual block, transformer, residual block at the lowest resolution. Source: diffusers `UNetMidBlock2DCrossAttn`,
 * `UNetMidBlockSpatioTemporal`.
 */
export class MidBlock extends Module {
  attentions: [Transformer];
  resnets: [Residual, Residual];

  constructor(channels: number, options: BlockOptions & { attention: AttentionOptions }) {
    super();
    this.attentions = transformers(1, channels, options) as [Transformer];
    this.resnets = [residual(channels, channels, options), residual(channels, channels, options)];
  }

  forward(x: tf.Tensor, { temb, context, frames }: Conditions): tf.Tensor {
    const h = this.attentions[0].forward(this.resnets[0].forward(x, temb, frames), context, frames);
    return this.resnets[1].forward(h, temb, frames);
  }
}

/**
 * One level of the decoder: each residual block first takes one skip connection of the encoder, joined along the channels.
 * Source: diffusers `UpBlock2D`, `CrossAttnUpBlock2D` and their SpatioTemporal twins.
 */
export class UpBlock extends Module {
  attentions: Transformer[];
  resnets: Residual[];
  upsamplers: [Upsample2D] | null;

  /** `skipChannels[i]`: width of the skip that residual block i takes. */
  constructor(inChannels: number, outChannels: number, skipChannels: readonly number[], options: BlockOptions & { upsample: boolean }) {
    super();
    this.attentions = transformers(skipChannels.length, outChannels, options);
    this.resnets = skipChannels.map((skip, i) => residual((i === 0 ? inChannels : outChannels) + skip, outChannels, options));
    this.upsamplers = options.upsample ? [new Upsample2D(outChannels)] : null;
  }

  /** Takes (pops) its skips from the end of `skips`, and upsamples to the size of the next one. */
  forward(x: tf.Tensor, skips: tf.Tensor[], { temb, context, frames }: Conditions): tf.Tensor {
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.forward(tf.concat([x, skips.pop() as tf.Tensor], 1), temb, frames);
      x = this.attentions[i]?.forward(x, context, frames) ?? x;
    }
    const [, , height, width] = skips.at(-1)?.shape ?? [];
    return this.upsamplers?.[0].forward(x, height === undefined ? undefined : [height, width as number]) ?? x;
  }
}
