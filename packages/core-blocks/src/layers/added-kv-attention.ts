import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { groupNormOfTokens, toImage, toTokens } from './attention.ts';
import { GroupNorm, LayerNorm, Linear } from './layers.ts';
import { Module } from '../module.ts';

/** How an attention layer with added keys and values is built. */
export interface AddedKvOptions {
  heads: number;
  contextChannels: number;
  groups: number;
  /** Attends to the context alone, not to the pixels. */
  onlyCrossAttention: boolean;
  contextNorm: 'layer' | { groups: number } | null;
}

/**
 * Attention of the pixels of `x: [N, C, H, W]` over a context `[N, S, D]` and themselves at once, with a residual. Source: diffusers
 * `Attention` with `added_kv_proj_dim`, which its SimpleCrossAttn blocks are made of.
 */
export class AddedKvAttention extends Module {
  group_norm: GroupNorm;
  norm_cross: LayerNorm | GroupNorm | null;
  to_q: Linear;
  to_k: Linear | null;
  to_v: Linear | null;
  add_k_proj: Linear;
  add_v_proj: Linear;
  to_out: [Linear];
  #heads: number;

  constructor(channels: number, { heads, contextChannels, groups, onlyCrossAttention, contextNorm }: AddedKvOptions) {
    super();
    this.group_norm = new GroupNorm(groups, channels);
    this.norm_cross =
      contextNorm === null
        ? null
        : contextNorm === 'layer'
          ? new LayerNorm(contextChannels)
          : new GroupNorm(contextNorm.groups, contextChannels);
    this.to_q = new Linear(channels, channels);
    this.to_k = onlyCrossAttention ? null : new Linear(channels, channels);
    this.to_v = onlyCrossAttention ? null : new Linear(channels, channels);
    this.add_k_proj = new Linear(contextChannels, channels);
    this.add_v_proj = new Linear(contextChannels, channels);
    this.to_out = [new Linear(channels, channels)];
    this.#heads = heads;
  }

  forward(x: tf.Tensor, context: tf.Tensor): tf.Tensor {
    const tokens = toTokens(this.group_norm.forward(x));
    const source = this.#normed(context);
    const joined = (added: Linear, own: Linear | null): tf.Tensor =>
      own ? tf.concat([added.forward(source), own.forward(tokens)], 1) : added.forward(source);
    const attended = nn.attention(
      this.to_q.forward(tokens),
      joined(this.add_k_proj, this.to_k),
      joined(this.add_v_proj, this.to_v),
      this.#heads,
    );
    return tf.add(toImage(this.to_out[0].forward(attended), x.shape), x);
  }

  #normed(context: tf.Tensor): tf.Tensor {
    if (this.norm_cross === null) return context;
    return this.norm_cross instanceof GroupNorm ? groupNormOfTokens(this.norm_cross, context) : this.norm_cross.forward(context);
  }
}
