import * as tf from '@tensorflow/tfjs';
import { Transformer2DModel } from './attention.ts';
import { Module } from './module.ts';
import { Downsample2D, ResnetBlock2D, Upsample2D } from './resnet.ts';

/** The transformer of one level; null in a block's options means a level without attention. */
export interface AttentionOptions {
  heads: number;
  contextChannels: number;
  layers: number;
  linearProjection: boolean;
}

interface BlockOptions {
  tembChannels: number;
  groups: number;
  eps: number;
  attention: AttentionOptions | null;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function transformers(count: number, channels: number, { attention, groups }: BlockOptions): Transformer2DModel[] {
  return attention ? range(count).map(() => new Transformer2DModel(channels, { ...attention, groups })) : [];
}

/**
 * One level of the encoder: `layers` times a residual block (and a transformer), then a downsampler but for the last level.
 * Source: diffusers `DownBlock2D` / `CrossAttnDownBlock2D`.
 */
export class DownBlock2D extends Module {
  attentions: Transformer2DModel[];
  resnets: ResnetBlock2D[];
  downsamplers: [Downsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; downsample: boolean }) {
    super();
    this.attentions = transformers(options.layers, outChannels, options);
    this.resnets = range(options.layers).map((i) => new ResnetBlock2D(i === 0 ? inChannels : outChannels, outChannels, options));
    this.downsamplers = options.downsample ? [new Downsample2D(outChannels)] : null;
  }

  /** `x: [N, C, H, W]`, `temb: [N, T]`, `context: [N, S, D]`; `states` are the outputs the decoder's skips (and ControlNet) use. */
  forward(x: tf.Tensor, temb: tf.Tensor, context: tf.Tensor): { x: tf.Tensor; states: tf.Tensor[] } {
    const states: tf.Tensor[] = [];
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.forward(x, temb);
      x = this.attentions[i]?.forward(x, context) ?? x;
      states.push(x);
    }
    if (this.downsamplers) states.push((x = this.downsamplers[0].forward(x)));
    return { x, states };
  }
}

/** Residual block, transformer, residual block at the lowest resolution. Source: diffusers `UNetMidBlock2DCrossAttn`. */
export class MidBlock2D extends Module {
  attentions: [Transformer2DModel];
  resnets: [ResnetBlock2D, ResnetBlock2D];

  constructor(channels: number, options: Omit<BlockOptions, 'attention'> & { attention: AttentionOptions }) {
    super();
    this.attentions = [new Transformer2DModel(channels, { ...options.attention, groups: options.groups })];
    this.resnets = [new ResnetBlock2D(channels, channels, options), new ResnetBlock2D(channels, channels, options)];
  }

  forward(x: tf.Tensor, temb: tf.Tensor, context: tf.Tensor): tf.Tensor {
    const h = this.attentions[0].forward(this.resnets[0].forward(x, temb), context);
    return this.resnets[1].forward(h, temb);
  }
}

/**
 * One level of the decoder: each residual block first takes one skip connection of the encoder, joined along the channels.
 * Source: diffusers `UpBlock2D` / `CrossAttnUpBlock2D`.
 */
export class UpBlock2D extends Module {
  attentions: Transformer2DModel[];
  resnets: ResnetBlock2D[];
  upsamplers: [Upsample2D] | null;

  /** `skipChannels[i]`: width of the skip that residual block i takes. */
  constructor(inChannels: number, outChannels: number, skipChannels: readonly number[], options: BlockOptions & { upsample: boolean }) {
    super();
    this.attentions = transformers(skipChannels.length, outChannels, options);
    this.resnets = skipChannels.map((skip, i) => new ResnetBlock2D((i === 0 ? inChannels : outChannels) + skip, outChannels, options));
    this.upsamplers = options.upsample ? [new Upsample2D(outChannels)] : null;
  }

  /** Takes (pops) its skips from the end of `skips`. */
  forward(x: tf.Tensor, skips: tf.Tensor[], temb: tf.Tensor, context: tf.Tensor): tf.Tensor {
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.forward(tf.concat([x, skips.pop() as tf.Tensor], 1), temb);
      x = this.attentions[i]?.forward(x, context) ?? x;
    }
    return this.upsamplers?.[0].forward(x) ?? x;
  }
}
