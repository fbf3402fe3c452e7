import * as tf from '@tensorflow/tfjs';
import type { Activation } from '../layers/activation.ts';
import { AddedKvAttention } from '../layers/added-kv-attention.ts';
import { SpatialAttention, Transformer2DModel } from '../layers/attention.ts';
import { CoreBlocksError } from '../errors.ts';
import { Module } from '../module.ts';
import { ResnetBlock2D } from '../layers/resnet.ts';
import { Downsample2D, Upsample2D } from '../layers/sampling.ts';
import { SpatioTemporalResBlock, TransformerSpatioTemporalModel } from '../layers/spatio-temporal.ts';
import type { Companion } from './companion.ts';

/** Transformers behind a level's residual blocks (the CrossAttn blocks). */
export interface TransformerOptions {
  kind: 'transformer';
  heads: number;
  contextChannels: number;
  /** Layers of each transformer, one number for all or one for each. */
  layers: number | readonly number[];
  linearProjection: boolean;
  onlyCrossAttention: boolean;
}

/** Attention over text and pixels at once (the SimpleCrossAttn blocks). */
interface AddedKv {
  kind: 'added-kv';
  heads: number;
  contextChannels: number;
  onlyCrossAttention: boolean;
  contextNorm: 'layer' | { groups: number } | null;
}

/** Self-attention over the pixels (the Attn blocks). */
interface SelfAttention {
  kind: 'self';
  heads: number;
}

/** What attends behind each residual block of a level; null in a block's options means nothing does. */
export type AttentionOptions = TransformerOptions | AddedKv | SelfAttention;

/** What the residual blocks of a network have in common. */
export interface ResnetSettings {
  groups: number;
  activation?: Activation; // silu
  timeScaleShift?: boolean; // false
}

/** What a U-Net's layers see beside the features `x: [N, C, H, W]`. */
export interface Conditions {
  /** Time embedding `[N, T]`; null for blocks that have no use for one. */
  temb: tf.Tensor | null;
  /** What is attended to, `[N, S, D]`. */
  context: tf.Tensor;
  /** Frames of a video, which follow each other along the batch: N is videos x frames. 1 for images. */
  frames: number;
}

/** How one block is built. */
export interface BlockOptions extends ResnetSettings {
  tembChannels: number | null;
  eps: number;
  attention: AttentionOptions | null;
  /** Layers that see the frames of a video. */
  video: boolean;
  skipTimeActivation?: boolean; // false
  /** What every residual block's sum is divided by. */
  outputScale?: number; // 1
  /** What changes the size between levels: a convolution, or a residual block. */
  sampler?: 'conv' | 'resnet'; // conv
}

type Residual = ResnetBlock2D | SpatioTemporalResBlock;
type Attending = Transformer2DModel | TransformerSpatioTemporalModel | AddedKvAttention | SpatialAttention;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function residual(inChannels: number, outChannels: number, options: BlockOptions): Residual {
  const { tembChannels, groups, eps } = options;
  return options.video
    ? new SpatioTemporalResBlock(inChannels, outChannels, { tembChannels, groups, eps })
    : new ResnetBlock2D(inChannels, outChannels, options);
}

/** The attention behind residual block `i`. */
function attending(channels: number, i: number, { attention, groups, eps, video, outputScale = 1 }: BlockOptions): Attending | null {
  if (!attention) return null;
  const { heads } = attention;
  if (attention.kind === 'self') return new SpatialAttention(channels, { groups, eps, heads, outputScale });
  if (attention.kind === 'added-kv') return new AddedKvAttention(channels, { ...attention, groups });
  const { contextChannels, linearProjection, onlyCrossAttention } = attention;
  const layers = typeof attention.layers === 'number' ? attention.layers : (attention.layers[i] as number);
  return video
    ? new TransformerSpatioTemporalModel(channels, { heads, contextChannels, groups, layers })
    : new Transformer2DModel(channels, {
        heads,
        contextChannels,
        groups,
        layers,
        linearProjection,
        onlyCrossAttention,
        headDim: Math.floor(channels / heads),
      });
}

const attentions = (count: number, channels: number, options: BlockOptions): Attending[] =>
  options.attention ? range(count).map((i) => attending(channels, i, options) as Attending) : [];

/**
 * One level of the encoder: `layers` times a residual block (and attention), then a downsampler but for the last level.
 * Source: diffusers `DownBlock2D`, `CrossAttnDownBlock2D`, their SpatioTemporal twins, `AttnDownBlock2D`, `ResnetDownsampleBlock2D` and
 * `SimpleCrossAttnDownBlock2D`.
 */
export class DownBlock extends Module {
  attentions: Attending[];
  resnets: Residual[];
  downsamplers: [Downsample2D | ResnetBlock2D] | null;

  constructor(
    inChannels: number,
    outChannels: number,
    options: BlockOptions & { layers: number; downsample: boolean; downsamplePadding?: number },
  ) {
    super();
    this.attentions = attentions(options.layers, outChannels, options);
    this.resnets = range(options.layers).map((i) => residual(i === 0 ? inChannels : outChannels, outChannels, options));
    const sampler = () =>
      options.sampler === 'resnet'
        ? new ResnetBlock2D(outChannels, outChannels, { ...options, resample: 'down' })
        : new Downsample2D(outChannels, outChannels, options.downsamplePadding ?? 1);
    this.downsamplers = options.downsample ? [sampler()] : null;
  }

  /**
   * `x: [N, C, H, W]`; `states` are the outputs the decoder's skips (and ControlNet) use.
   * @param beside a companion, and which of the encoder's states this block's first one is
   */
  forward(
    x: tf.Tensor,
    conditions: Conditions,
    beside?: { readonly companion: Companion; readonly first: number },
  ): { x: tf.Tensor; states: tf.Tensor[] } {
    const { temb, context, frames } = conditions;
    const states: tf.Tensor[] = [];
    const keep = (features: tf.Tensor, input: tf.Tensor): tf.Tensor => {
      const kept = beside?.companion.encoded(features, { state: beside.first + states.length, input, conditions }) ?? features;
      states.push(kept);
      return kept;
    };
    for (const [i, resnet] of this.resnets.entries()) {
      const h = resnet.forward(x, temb, frames);
      x = keep(this.attentions[i]?.forward(h, context, frames) ?? h, x);
    }
    if (this.downsamplers) x = keep(this.downsamplers[0].forward(x, temb), x);
    return { x, states };
  }
}

/**
 * Residual block, attention, residual block at the lowest resolution; without attention, one residual block alone. Source: diffusers
 * `UNetMidBlock2DCrossAttn`, `UNetMidBlockSpatioTemporal`, `UNetMidBlock2DSimpleCrossAttn`, and `UNetMidBlock2D` as U-Nets use it.
 */
export class MidBlock extends Module {
  attentions: Attending[];
  resnets: Residual[];

  constructor(channels: number, options: BlockOptions) {
    super();
    this.attentions = attentions(1, channels, options);
    this.resnets = range(this.attentions.length + 1).map(() => residual(channels, channels, options));
  }

  forward(x: tf.Tensor, { temb, context, frames }: Conditions): tf.Tensor {
    const [first, ...rest] = this.resnets as [Residual, ...Residual[]];
    let h = first.forward(x, temb, frames);
    for (const [i, resnet] of rest.entries())
      h = resnet.forward((this.attentions[i] as Attending).forward(h, context, frames), temb, frames);
    return h;
  }
}

/**
 * One level of the decoder: each residual block first takes one skip connection of the encoder, joined along the channels.
 * Source: diffusers `UpBlock2D`, `CrossAttnUpBlock2D`, their SpatioTemporal twins, `AttnUpBlock2D`, `ResnetUpsampleBlock2D` and
 * `SimpleCrossAttnUpBlock2D`.
 */
export class UpBlock extends Module {
  attentions: Attending[];
  resnets: Residual[];
  upsamplers: [Upsample2D | ResnetBlock2D] | null;

  /** `skipChannels[i]`: width of the skip that residual block i takes. */
  constructor(inChannels: number, outChannels: number, skipChannels: readonly number[], options: BlockOptions & { upsample: boolean }) {
    super();
    this.attentions = attentions(skipChannels.length, outChannels, options);
    this.resnets = skipChannels.map((skip, i) => residual((i === 0 ? inChannels : outChannels) + skip, outChannels, options));
    const sampler = () =>
      options.sampler === 'resnet'
        ? new ResnetBlock2D(outChannels, outChannels, { ...options, resample: 'up' })
        : new Upsample2D(outChannels);
    this.upsamplers = options.upsample ? [sampler()] : null;
  }

  /**
   * Takes (pops) its skips from the end of `skips`, and upsamples to the size of the next one. A companion is asked before each.
   * @throws CoreBlocksError invalid-input where a residual block doubles what was not halved evenly
   */
  forward(x: tf.Tensor, skips: tf.Tensor[], { temb, context, frames }: Conditions, companion?: Companion): tf.Tensor {
    for (const [i, resnet] of this.resnets.entries()) {
      x = companion?.decoding?.(x, skips.length - 1) ?? x;
      x = resnet.forward(tf.concat([x, skips.pop() as tf.Tensor], 1), temb, frames);
      x = this.attentions[i]?.forward(x, context, frames) ?? x;
    }
    if (!this.upsamplers) return x;
    const size = skips.at(-1)?.shape.slice(2) as [number, number] | undefined;
    const [upsampler] = this.upsamplers;
    if (upsampler instanceof Upsample2D) return upsampler.forward(x, size);
    checkDoubled(x, size);
    return upsampler.forward(x, temb);
  }
}

/** A residual block doubles its input; it cannot meet a skip of another size, in the reference neither. */
function checkDoubled({ shape }: tf.Tensor, size: readonly [number, number] | undefined): void {
  const [height, width] = shape.slice(2).map((side) => 2 * side);
  if (size && (size[0] !== height || size[1] !== width))
    throw new CoreBlocksError(
      'invalid-input',
      `sample: its sides must be divisible by 2 at every level whose blocks upsample by a residual block; a skip has ${size.join(' x ')}, the doubled features ${height} x ${width}`,
      { shape, size },
    );
}
