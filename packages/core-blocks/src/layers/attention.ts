import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { FeedForward, type FeedForwardOptions } from './feed-forward.ts';
import { Conv2d, GroupNorm, LayerNorm, Linear } from './layers.ts';
import { Module } from '../module.ts';

/** Epsilon of the group norm in front of a transformer; the layer norms inside keep PyTorch's 1e-5. */
export const TRANSFORMER_NORM_EPS = 1e-6;

/** `[N, C, H, W]` to tokens `[N, H*W, C]`. */
export function toTokens(x: tf.Tensor): tf.Tensor3D {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return tf.transpose(tf.reshape(x, [n, c, h * w]), [0, 2, 1]);
}

/** Tokens `[N, H*W, C]` back to the shape `[N, C, H, W]`. */
export function toImage(tokens: tf.Tensor, shape: number[]): tf.Tensor {
  return tf.reshape(tf.transpose(tokens, [0, 2, 1]), shape);
}

/** A group norm over tokens `[N, T, C]`. */
export const groupNormOfTokens = (norm: GroupNorm, x: tf.Tensor): tf.Tensor => {
  const [n, t, c] = x.shape as [number, number, number];
  return toTokens(norm.forward(toImage(x, [n, c, t, 1])));
};

/** How an attention layer is built; what is left out is diffusers' default. */
export interface AttentionLayerOptions {
  qkvBias?: boolean; // false
  outBias?: boolean; // true
  /** Channels of a head; the width over the number of heads. */
  headDim?: number;
  /** Scores are divided by the square root of a head's channels. */
  scaled?: boolean; // true
  /** A norm of what is attended to, where that is not the input itself. */
  contextNorm?: 'layer' | { groups: number } | null; // null
}

/** Multi-head attention of `x: [N, T, C]` over `context: [N, S, D]` (itself by default), giving `[N, T, C]`. */
export class Attention extends Module {
  to_q: Linear;
  to_k: Linear;
  to_v: Linear;
  to_out: [Linear]; // index 1 is a dropout in diffusers: no parameters
  norm_cross: LayerNorm | GroupNorm | null;
  #heads: number;
  /** What queries are multiplied by, against the division that the kernel does. */
  #gain: number;

  constructor(channels: number, heads: number, contextChannels = channels, options: AttentionLayerOptions = {}) {
    super();
    const { qkvBias: bias = false, outBias = true, headDim = channels / heads, scaled = true, contextNorm = null } = options;
    const inner = heads * headDim;
    this.to_q = new Linear(channels, inner, { bias });
    this.to_k = new Linear(contextChannels, inner, { bias });
    this.to_v = new Linear(contextChannels, inner, { bias });
    this.to_out = [new Linear(inner, channels, { bias: outBias })];
    this.norm_cross =
      contextNorm === null
        ? null
        : contextNorm === 'layer'
          ? new LayerNorm(contextChannels)
          : new GroupNorm(contextNorm.groups, contextChannels);
    this.#heads = heads;
    this.#gain = scaled ? 1 : Math.sqrt(headDim);
  }

  forward(x: tf.Tensor, context?: tf.Tensor): tf.Tensor {
    const source = context === undefined ? x : this.#normed(context);
    const q = this.to_q.forward(x);
    const attended = nn.attention(
      this.#gain === 1 ? q : tf.mul(q, this.#gain),
      this.to_k.forward(source),
      this.to_v.forward(source),
      this.#heads,
    );
    return this.to_out[0].forward(attended);
  }

  #normed(context: tf.Tensor): tf.Tensor {
    if (this.norm_cross === null) return context;
    return this.norm_cross instanceof GroupNorm ? groupNormOfTokens(this.norm_cross, context) : this.norm_cross.forward(context);
  }
}

/** Self-attention over the pixels of `x: [N, C, H, W]` with a residual, one head unless told otherwise: the VAE's middle block. */
export class SpatialAttention extends Attention {
  group_norm: GroupNorm;
  #outputScale: number;

  /** @param options.outputScale what the sum is divided by */
  constructor(channels: number, options: { groups: number; eps: number; heads?: number; outputScale?: number }) {
    super(channels, options.heads ?? 1, channels, { qkvBias: true });
    this.group_norm = new GroupNorm(options.groups, channels, options.eps);
    this.#outputScale = options.outputScale ?? 1;
  }

  override forward(x: tf.Tensor): tf.Tensor {
    const sum = tf.add(x, toImage(super.forward(toTokens(this.group_norm.forward(x))), x.shape));
    return this.#outputScale === 1 ? sum : tf.div(sum, this.#outputScale);
  }
}

/** How a transformer block is built; what is left out is diffusers' default. */
export interface TransformerBlockOptions extends FeedForwardOptions {
  /** Channels of a head; the width over the number of heads. */
  headDim?: number;
  /** The first attention, too, is over the context. */
  onlyCrossAttention?: boolean; // false
  /** The second attention has keys and values of the block's own width. */
  doubleSelfAttention?: boolean; // false
  attentionBias?: boolean; // false
  attentionOutBias?: boolean; // true
  normEps?: number; // 1e-5
  /** Norms with learned scale and shift. */
  normAffine?: boolean; // true
}

/** Self-attention, cross-attention and a GEGLU feed-forward, each behind a layer norm and with a residual. */
export class BasicTransformerBlock extends Module {
  norm1: LayerNorm;
  attn1: Attention;
  norm2: LayerNorm | null;
  attn2: Attention | null;
  norm3: LayerNorm;
  ff: FeedForward;
  #onlyCrossAttention: boolean;

  /** @param contextChannels null: there is no second attention */
  constructor(channels: number, heads: number, contextChannels: number | null, options: TransformerBlockOptions = {}) {
    super();
    const { onlyCrossAttention = false, doubleSelfAttention = false, normEps, normAffine = true } = options;
    const norm = () => new LayerNorm(channels, normEps, { affine: normAffine });
    const attention = (context: number) =>
      new Attention(channels, heads, context, {
        qkvBias: options.attentionBias ?? false,
        outBias: options.attentionOutBias ?? true,
        headDim: options.headDim ?? channels / heads,
      });
    const second = doubleSelfAttention ? channels : contextChannels;
    this.norm1 = norm();
    this.attn1 = attention(onlyCrossAttention ? (contextChannels ?? channels) : channels);
    this.norm2 = second === null ? null : norm();
    this.attn2 = second === null ? null : attention(second);
    this.norm3 = norm();
    this.ff = new FeedForward(channels, channels, options);
    this.#onlyCrossAttention = onlyCrossAttention;
  }

  /** `x: [N, T, C]`, `context: [N, S, D]`; without a context the block attends to itself. */
  forward(x: tf.Tensor, context?: tf.Tensor): tf.Tensor {
    let h = tf.add(x, this.attn1.forward(this.norm1.forward(x), this.#onlyCrossAttention ? context : undefined));
    if (this.norm2 && this.attn2) h = tf.add(h, this.attn2.forward(this.norm2.forward(h), context));
    return tf.add(h, this.ff.forward(this.norm3.forward(h)));
  }
}

/** How a transformer over a feature map is built. */
export interface Transformer2DOptions extends TransformerBlockOptions {
  heads: number;
  /** Width of what is attended to; null: no cross-attention. */
  contextChannels: number | null;
  groups: number;
  layers?: number; // 1
  /** Projects tokens where SD1.5 convolves 1x1. */
  linearProjection?: boolean; // false
}

/**
 * Transformer over the pixels of a feature map with text cross-attention and a residual around all of it.
 * `x: [N, C, H, W]`, `context: [N, S, D]` give `[N, C, H, W]`. `linearProjection` (SD2, SDXL) projects tokens where SD1.5
 * convolves 1x1: the same map, but the weights are shaped differently. Source: diffusers `Transformer2DModel`.
 */
export class Transformer2DModel extends Module {
  norm: GroupNorm;
  proj_in: Conv2d | Linear;
  transformer_blocks: BasicTransformerBlock[];
  proj_out: Conv2d | Linear;

  constructor(channels: number, options: Transformer2DOptions) {
    super();
    const { heads, contextChannels, groups, layers = 1, linearProjection, ...block } = options;
    const inner = heads * (options.headDim ?? channels / heads);
    const project = (from: number, to: number) => (linearProjection ? new Linear(from, to) : new Conv2d(from, to, 1));
    this.norm = new GroupNorm(groups, channels, TRANSFORMER_NORM_EPS);
    this.proj_in = project(channels, inner);
    this.transformer_blocks = Array.from({ length: layers }, () => new BasicTransformerBlock(inner, heads, contextChannels, block));
    this.proj_out = project(inner, channels);
  }

  forward(x: tf.Tensor, context?: tf.Tensor): tf.Tensor {
    const normed = this.norm.forward(x);
    let tokens = this.proj_in instanceof Linear ? this.proj_in.forward(toTokens(normed)) : toTokens(this.proj_in.forward(normed));
    for (const block of this.transformer_blocks) tokens = block.forward(tokens, context);
    const shape = [x.shape[0] as number, tokens.shape[2] as number, ...x.shape.slice(2)];
    const out =
      this.proj_out instanceof Linear ? toImage(this.proj_out.forward(tokens), x.shape) : this.proj_out.forward(toImage(tokens, shape));
    return tf.add(x, out);
  }
}
