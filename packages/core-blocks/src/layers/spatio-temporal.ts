import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { BasicTransformerBlock, TRANSFORMER_NORM_EPS, toImage, toTokens } from './attention.ts';
import { FeedForward } from './feed-forward.ts';
import { GroupNorm, LayerNorm, Linear, defaultInit } from './layers.ts';
import { Module, Parameter } from '../module.ts';
import { ResnetBlock2D } from './resnet.ts';
import { TimestepEmbedding, timestepEmbedding } from './timestep.ts';

/** Every row of `x: [N, ...]` `count` times in a row, `[N count, ...]`: what belongs to a video, for each of its frames or pixels. */
export function repeatRows(x: tf.Tensor, count: number): tf.Tensor {
  if (count === 1) return x;
  const [n, ...rest] = x.shape as [number, ...number[]];
  return tf.reshape(tf.tile(tf.reshape(x, [n, 1, ...rest]), [1, count, ...rest.map(() => 1)]), [n * count, ...rest]);
}

/** The frames of a video follow each other along the batch: `[B F, C, H, W]` to `[B, C, F, H W]`. */
function toVideo(x: tf.Tensor, frames: number): tf.Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return tf.transpose(tf.reshape(x, [n / frames, frames, c, h * w]), [0, 2, 1, 3]);
}

/** `[B, C, F, H W]` back to the shape `[B F, C, H, W]`. */
const toFrames = (video: tf.Tensor, shape: number[]): tf.Tensor => tf.reshape(tf.transpose(video, [0, 2, 1, 3]), shape);

/** Convolution over three neighbouring frames, PyTorch's Conv3d with weight [O, I, 3, 1, 1]: `x: [B, C, F, P]` gives `[B, O, F, P]`. */
export class TemporalConv extends Module {
  weight: Parameter;
  bias: Parameter;

  constructor(inChannels: number, outChannels: number) {
    super();
    const init = defaultInit(inChannels * 3);
    this.weight = new Parameter([outChannels, inChannels, 3, 1, 1], init.weight);
    this.bias = new Parameter([outChannels], init.bias);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return nn.conv2d(x, tf.reshape(this.weight.tensor, this.weight.shape.slice(0, 4)), this.bias.tensor, { padding: [1, 0, 1, 0] });
  }

  /** The same over frames along the batch, `x: [B F, C, H, W]`. */
  overFrames(x: tf.Tensor, frames: number): tf.Tensor {
    const y = this.forward(toVideo(x, frames));
    return toFrames(y, [x.shape[0] as number, y.shape[1] as number, ...x.shape.slice(2)]);
  }
}

/** A learned mix of two tensors, `s spatial + (1 - s) temporal` with s the sigmoid of one number. Source: diffusers `AlphaBlender`. */
class AlphaBlender extends Module {
  mix_factor: Parameter;
  #temporalFirst: boolean;
  #fixed: boolean;

  /**
   * `temporalFirst`: s weighs the temporal tensor instead (diffusers' switch_spatial_to_temporal_mix). `fixed`: s is the number itself,
   * which is stored but not learned (diffusers' merge_strategy fixed).
   */
  constructor(initial: number, temporalFirst = false, fixed = false) {
    super();
    this.mix_factor = new Parameter([1], { constant: initial });
    this.#temporalFirst = temporalFirst;
    this.#fixed = fixed;
  }

  forward(spatial: tf.Tensor, temporal: tf.Tensor): tf.Tensor {
    const s = this.#fixed ? this.mix_factor.tensor : tf.sigmoid(this.mix_factor.tensor);
    const [first, second] = this.#temporalFirst ? [temporal, spatial] : [spatial, temporal];
    return tf.add(tf.mul(first, s), tf.mul(second, tf.sub(1, s)));
  }
}

/**
 * Residual block across frames: as `ResnetBlock2D`, but convolving over three frames at each pixel, normalising over all frames
 * of a video. `x: [B, C, F, P]`, `temb: [B F, T]`. Source: diffusers `TemporalResnetBlock`.
 */
class TemporalResnetBlock extends Module {
  norm1: GroupNorm;
  conv1: TemporalConv;
  time_emb_proj: Linear | null;
  norm2: GroupNorm;
  conv2: TemporalConv;

  constructor(channels: number, options: { tembChannels: number | null; groups: number; eps: number }) {
    super();
    this.norm1 = new GroupNorm(options.groups, channels, options.eps);
    this.conv1 = new TemporalConv(channels, channels);
    this.time_emb_proj = options.tembChannels === null ? null : new Linear(options.tembChannels, channels);
    this.norm2 = new GroupNorm(options.groups, channels, options.eps);
    this.conv2 = new TemporalConv(channels, channels);
  }

  forward(x: tf.Tensor, temb: tf.Tensor | null): tf.Tensor {
    const [videos, channels, frames] = x.shape as [number, number, number, number];
    let h = this.conv1.forward(this.norm1.forward(x, { silu: true }));
    if (this.time_emb_proj && temb) {
      const perFrame = tf.reshape(this.time_emb_proj.forward(nn.silu(temb)), [videos, frames, channels, 1]);
      h = tf.add(h, tf.transpose(perFrame, [0, 2, 1, 3]));
    }
    return tf.add(x, this.conv2.forward(this.norm2.forward(h, { silu: true })));
  }
}

/** How a spatio-temporal block mixes at the start; the temporal VAE differs from the U-Net. */
interface Mixing {
  temporalEps?: number;
  initialMix?: number;
  temporalFirst?: boolean;
  fixedMix?: boolean;
}

/**
 * A residual block within each frame, one across frames, and a learned mix of before and after the second.
 * `x: [B F, C, H, W]`, `temb: [B F, T]` give `[B F, C', H, W]`. Source: diffusers `SpatioTemporalResBlock`.
 */
export class SpatioTemporalResBlock extends Module {
  spatial_res_block: ResnetBlock2D;
  temporal_res_block: TemporalResnetBlock;
  time_mixer: AlphaBlender;

  constructor(inChannels: number, outChannels: number, options: { tembChannels: number | null; groups: number; eps: number } & Mixing) {
    super();
    const { tembChannels, groups, eps, temporalEps = eps, initialMix = 0.5, temporalFirst = false, fixedMix = false } = options;
    this.spatial_res_block = new ResnetBlock2D(inChannels, outChannels, { tembChannels, groups, eps });
    this.temporal_res_block = new TemporalResnetBlock(outChannels, { tembChannels, groups, eps: temporalEps });
    this.time_mixer = new AlphaBlender(initialMix, temporalFirst, fixedMix);
  }

  forward(x: tf.Tensor, temb: tf.Tensor | null, frames: number): tf.Tensor {
    const spatial = this.spatial_res_block.forward(x, temb);
    const temporal = toFrames(this.temporal_res_block.forward(toVideo(spatial, frames), temb), spatial.shape);
    return this.time_mixer.forward(spatial, temporal);
  }
}

/**
 * Feed-forward, self-attention over the frames at each pixel, cross-attention, feed-forward. `x: [B P, F, C]`, `context: [B P, S, D]`.
 * Source: diffusers `TemporalBasicTransformerBlock`.
 */
class TemporalTransformerBlock extends BasicTransformerBlock {
  norm_in: LayerNorm;
  ff_in: FeedForward;

  constructor(channels: number, heads: number, contextChannels: number | null) {
    super(channels, heads, contextChannels);
    this.norm_in = new LayerNorm(channels);
    this.ff_in = new FeedForward(channels);
  }

  override forward(x: tf.Tensor, context: tf.Tensor): tf.Tensor {
    return super.forward(tf.add(x, this.ff_in.forward(this.norm_in.forward(x))), context);
  }
}

/**
 * A transformer over the pixels of each frame, and after each of its blocks one over the frames of each pixel, mixed in.
 * `x: [B F, C, H, W]`, `context: [B F, S, D]` give `[B F, C, H, W]`. Source: diffusers `TransformerSpatioTemporalModel`.
 */
export class TransformerSpatioTemporalModel extends Module {
  norm: GroupNorm;
  proj_in: Linear;
  transformer_blocks: BasicTransformerBlock[];
  temporal_transformer_blocks: TemporalTransformerBlock[];
  time_pos_embed: TimestepEmbedding;
  time_mixer: AlphaBlender;
  proj_out: Linear;
  #channels: number;

  constructor(channels: number, options: { heads: number; contextChannels: number | null; groups: number; layers: number }) {
    super();
    const { heads, contextChannels, groups, layers } = options;
    this.norm = new GroupNorm(groups, channels, TRANSFORMER_NORM_EPS);
    this.proj_in = new Linear(channels, channels);
    this.transformer_blocks = Array.from({ length: layers }, () => new BasicTransformerBlock(channels, heads, contextChannels));
    this.temporal_transformer_blocks = Array.from({ length: layers }, () => new TemporalTransformerBlock(channels, heads, contextChannels));
    this.time_pos_embed = new TimestepEmbedding(channels, channels * 4, channels);
    this.time_mixer = new AlphaBlender(0.5);
    this.proj_out = new Linear(channels, channels);
    this.#channels = channels;
  }

  forward(x: tf.Tensor, context: tf.Tensor, frames: number): tf.Tensor {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const [videos, pixels] = [n / frames, h * w];
    const [, s, d] = context.shape as [number, number, number];
    const positions = tf.tensor1d(Float32Array.from({ length: frames }, (_, i) => i));
    const positionEmbedding = tf.reshape(
      this.time_pos_embed.forward(timestepEmbedding(positions, this.#channels, { flipSinToCos: true, freqShift: 0 })),
      [1, frames, 1, c],
    );
    const firstFrame = tf.reshape(tf.slice(tf.reshape(context, [videos, frames, s * d]), [0, 0, 0], [-1, 1, -1]), [videos, s, d]);
    const timeContext = repeatRows(firstFrame, pixels);

    let tokens = this.proj_in.forward(toTokens(this.norm.forward(x)));
    for (const [i, block] of this.transformer_blocks.entries()) {
      tokens = block.forward(tokens, context);
      const placed = tf.add(tf.reshape(tokens, [videos, frames, pixels, c]), positionEmbedding);
      const overFrames = tf.reshape(tf.transpose(placed, [0, 2, 1, 3]), [videos * pixels, frames, c]);
      const temporal = this.temporal_transformer_blocks[i]?.forward(overFrames, timeContext) as tf.Tensor;
      const back = tf.reshape(tf.transpose(tf.reshape(temporal, [videos, pixels, frames, c]), [0, 2, 1, 3]), tokens.shape);
      tokens = this.time_mixer.forward(tokens, back);
    }
    return tf.add(x, toImage(this.proj_out.forward(tokens), x.shape));
  }
}
