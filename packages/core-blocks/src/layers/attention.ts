import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
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

/** Multi-head attention of `x: [N, T, C]` over `context: [N, S, D]` (itself by default), giving `[N, T, C]`. */
export class Attention extends Module {
  to_q: Linear;
  to_k: Linear;
  to_v: Linear;
  to_out: [Linear]; // index 1 is a dropout in diffusers: no parameters
  #heads: number;

  constructor(channels: number, heads: number, contextChannels = channels, options: { qkvBias?: boolean } = {}) {
    super();
    const bias = options.qkvBias ?? false;
    this.to_q = new Linear(channels, channels, { bias });
    this.to_k = new Linear(contextChannels, channels, { bias });
    this.to_v = new Linear(contextChannels, channels, { bias });
    this.to_out = [new Linear(channels, channels)];
    this.#heads = heads;
  }

  forward(x: tf.Tensor, context: tf.Tensor = x): tf.Tensor {
    const attended = nn.attention(this.to_q.forward(x), this.to_k.forward(context), this.to_v.forward(context), this.#heads);
    return this.to_out[0].forward(attended);
  }
}

/** One-head self-attention over the pixels of `x: [N, C, H, W]` with a residual: the VAE's middle block. */
export class SpatialAttention extends Attention {
  group_norm: GroupNorm;

  constructor(channels: number, options: { groups: number; eps: number }) {
    super(channels, 1, channels, { qkvBias: true });
    this.group_norm = new GroupNorm(options.groups, channels, options.eps);
  }

  override forward(x: tf.Tensor): tf.Tensor {
    return tf.add(x, toImage(super.forward(toTokens(this.group_norm.forward(x))), x.shape));
  }
}

/** `[..., C]` to `[..., D]`: one half of a projection gated by the GELU of the other. */
class Geglu extends Module {
  proj: Linear;

  constructor(channels: number, inner: number) {
    super();
    this.proj = new Linear(channels, inner * 2);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const [hidden, gate] = tf.split(this.proj.forward(x), 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.mul(hidden, nn.gelu(gate));
  }
}

/** GEGLU with an inner width of four times the outer one. */
export class FeedForward extends Module {
  net: [Geglu, null, Linear];

  constructor(channels: number) {
    super();
    this.net = [new Geglu(channels, channels * 4), null, new Linear(channels * 4, channels)];
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.net[2].forward(this.net[0].forward(x));
  }
}

/** Self-attention, cross-attention and a GEGLU feed-forward, each behind a layer norm and with a residual. */
export class BasicTransformerBlock extends Module {
  norm1: LayerNorm;
  attn1: Attention;
  norm2: LayerNorm;
  attn2: Attention;
  norm3: LayerNorm;
  ff: FeedForward;

  constructor(channels: number, heads: number, contextChannels: number) {
    super();
    this.norm1 = new LayerNorm(channels);
    this.attn1 = new Attention(channels, heads);
    this.norm2 = new LayerNorm(channels);
    this.attn2 = new Attention(channels, heads, contextChannels);
    this.norm3 = new LayerNorm(channels);
    this.ff = new FeedForward(channels);
  }

  forward(x: tf.Tensor, context: tf.Tensor): tf.Tensor {
    let h = tf.add(x, this.attn1.forward(this.norm1.forward(x)));
    h = tf.add(h, this.attn2.forward(this.norm2.forward(h), context));
    return tf.add(h, this.ff.forward(this.norm3.forward(h)));
  }
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

  constructor(
    channels: number,
    options: { heads: number; contextChannels: number; groups: number; layers?: number; linearProjection?: boolean },
  ) {
    super();
    const project = () => (options.linearProjection ? new Linear(channels, channels) : new Conv2d(channels, channels, 1));
    this.norm = new GroupNorm(options.groups, channels, TRANSFORMER_NORM_EPS);
    this.proj_in = project();
    this.transformer_blocks = Array.from(
      { length: options.layers ?? 1 },
      () => new BasicTransformerBlock(channels, options.heads, options.contextChannels),
    );
    this.proj_out = project();
  }

  forward(x: tf.Tensor, context: tf.Tensor): tf.Tensor {
    const normed = this.norm.forward(x);
    let tokens = this.proj_in instanceof Linear ? this.proj_in.forward(toTokens(normed)) : toTokens(this.proj_in.forward(normed));
    for (const block of this.transformer_blocks) tokens = block.forward(tokens, context);
    const out =
      this.proj_out instanceof Linear ? toImage(this.proj_out.forward(tokens), x.shape) : this.proj_out.forward(toImage(tokens, x.shape));
    return tf.add(x, out);
  }
}
