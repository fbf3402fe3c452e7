import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { LayerNorm, Linear } from '../layers/layers.ts';
import { Module, Parameter } from '../module.ts';

/** A learned query, the mean of the tokens plus a vector, that attends to itself and all tokens. Source: diffusers `AttentionPooling`. */
class AttentionPooling extends Module {
  positional_embedding: Parameter;
  k_proj: Linear;
  q_proj: Linear;
  v_proj: Linear;
  #heads: number;

  constructor(heads: number, channels: number) {
    super();
    this.positional_embedding = new Parameter([1, channels], { normal: channels ** -0.5 });
    this.k_proj = new Linear(channels, channels);
    this.q_proj = new Linear(channels, channels);
    this.v_proj = new Linear(channels, channels);
    this.#heads = heads;
  }

  /** `x: [N, S, D]` to `[N, D]`. */
  forward(x: tf.Tensor): tf.Tensor {
    const [n, , d] = x.shape as [number, number, number];
    const query = tf.add(tf.mean(x, 1, true), this.positional_embedding.tensor);
    const tokens = tf.concat([query, x], 1);
    const pooled = nn.attention(this.q_proj.forward(query), this.k_proj.forward(tokens), this.v_proj.forward(tokens), this.#heads);
    return tf.reshape(pooled, [n, d]);
  }
}

/** Text states `[N, S, D]` to `[N, T]`, to be added to the time embedding. Source: diffusers `TextTimeEmbedding`. */
export class TextTimeEmbedding extends Module {
  norm1: LayerNorm;
  pool: AttentionPooling;
  proj: Linear;
  norm2: LayerNorm;

  constructor(channels: number, timeEmbedDim: number, heads: number) {
    super();
    this.norm1 = new LayerNorm(channels);
    this.pool = new AttentionPooling(heads, channels);
    this.proj = new Linear(channels, timeEmbedDim);
    this.norm2 = new LayerNorm(timeEmbedDim);
  }

  forward(states: tf.Tensor): tf.Tensor {
    return this.norm2.forward(this.proj.forward(this.pool.forward(this.norm1.forward(states))));
  }
}

/** Pooled text and image embeddings `[N, D]` to `[N, T]` (Kandinsky 2.1). Source: diffusers `TextImageTimeEmbedding`. */
export class TextImageTimeEmbedding extends Module {
  text_proj: Linear;
  text_norm: LayerNorm;
  image_proj: Linear;

  constructor(channels: number, timeEmbedDim: number) {
    super();
    this.text_proj = new Linear(channels, timeEmbedDim);
    this.text_norm = new LayerNorm(timeEmbedDim);
    this.image_proj = new Linear(channels, timeEmbedDim);
  }

  forward(text: tf.Tensor, image: tf.Tensor): tf.Tensor {
    return tf.add(this.image_proj.forward(image), this.text_norm.forward(this.text_proj.forward(text)));
  }
}

/** An image embedding `[N, D]` to `[N, T]` (Kandinsky 2.2). Source: diffusers `ImageTimeEmbedding`. */
export class ImageTimeEmbedding extends Module {
  image_proj: Linear;
  image_norm: LayerNorm;

  constructor(channels: number, timeEmbedDim: number) {
    super();
    this.image_proj = new Linear(channels, timeEmbedDim);
    this.image_norm = new LayerNorm(timeEmbedDim);
  }

  forward(image: tf.Tensor): tf.Tensor {
    return this.image_norm.forward(this.image_proj.forward(image));
  }
}

/** `[N, D]` to tokens `[N, count, D']`. */
const toTokens = (x: tf.Tensor, count: number): tf.Tensor => tf.reshape(x, [x.shape[0] as number, count, -1]);

/** Tokens that an image embedding becomes: diffusers' defaults, which no config changes. */
const TEXT_IMAGE_TOKENS = 10;
const IMAGE_TOKENS = 32;

/** Text `[N, S, D]` behind ten tokens made of an image embedding `[N, C]` (Kandinsky 2.1). Source: diffusers `TextImageProjection`. */
export class TextImageProjection extends Module {
  image_embeds: Linear;
  text_proj: Linear;

  constructor(textChannels: number, contextChannels: number) {
    super();
    this.image_embeds = new Linear(contextChannels, TEXT_IMAGE_TOKENS * contextChannels);
    this.text_proj = new Linear(textChannels, contextChannels);
  }

  forward(text: tf.Tensor, image: tf.Tensor): tf.Tensor {
    return tf.concat([toTokens(this.image_embeds.forward(image), TEXT_IMAGE_TOKENS), this.text_proj.forward(text)], 1);
  }
}

/** An image embedding `[N, D]` as 32 tokens, in place of text (Kandinsky 2.2). Source: diffusers `ImageProjection`. */
export class ImageProjection extends Module {
  image_embeds: Linear;
  norm: LayerNorm;

  constructor(imageChannels: number, contextChannels: number) {
    super();
    this.image_embeds = new Linear(imageChannels, IMAGE_TOKENS * contextChannels);
    this.norm = new LayerNorm(contextChannels);
  }

  forward(image: tf.Tensor): tf.Tensor {
    return this.norm.forward(toTokens(this.image_embeds.forward(image), IMAGE_TOKENS));
  }
}
