import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { checkConfig } from './config.ts';
import { CoreBlocksError } from './error.ts';
import { Embedding, LayerNorm, Linear, type LayerInit } from './layers.ts';
import { Module } from './module.ts';

/** Config of a CLIP text encoder; keys are transformers' CLIPTextConfig. */
export interface TextTransformerConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Context length. */
  max_position_embeddings: number;
  hidden_act?: 'quick_gelu' | 'gelu'; // quick_gelu
  layer_norm_eps?: number; // 1e-5
}

const KEYS = ['vocab_size', 'hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'max_position_embeddings', 'hidden_act', 'layer_norm_eps'];

/** CLIP's initialisation: normal weights, zero biases (openai/CLIP `initialize_parameters`). */
const normal = (std: number): LayerInit => ({ weight: { normal: std }, bias: 'zeros' });

const quickGelu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));

class CausalSelfAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  #heads: number;

  constructor(width: number, heads: number, layers: number) {
    super();
    const project = () => new Linear(width, width, { init: normal(width ** -0.5) });
    this.q_proj = project();
    this.k_proj = project();
    this.v_proj = project();
    this.out_proj = new Linear(width, width, { init: normal((2 * layers * width) ** -0.5) });
    this.#heads = heads;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.out_proj.forward(nn.attention(this.q_proj.forward(x), this.k_proj.forward(x), this.v_proj.forward(x), this.#heads, { causal: true }));
  }
}

class Mlp extends Module {
  fc1: Linear;
  fc2: Linear;
  #activation: (x: tf.Tensor) => tf.Tensor;

  constructor(width: number, inner: number, layers: number, activation: (x: tf.Tensor) => tf.Tensor) {
    super();
    this.fc1 = new Linear(width, inner, { init: normal((2 * width) ** -0.5) });
    this.fc2 = new Linear(inner, width, { init: normal((2 * layers * width) ** -0.5) });
    this.#activation = activation;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.fc2.forward(this.#activation(this.fc1.forward(x)));
  }
}

class EncoderLayer extends Module {
  self_attn: CausalSelfAttention;
  layer_norm1: LayerNorm;
  mlp: Mlp;
  layer_norm2: LayerNorm;

  constructor(config: TextTransformerConfig) {
    super();
    const { hidden_size: width, num_hidden_layers: layers, layer_norm_eps: eps = 1e-5, hidden_act = 'quick_gelu' } = config;
    this.self_attn = new CausalSelfAttention(width, config.num_attention_heads, layers);
    this.layer_norm1 = new LayerNorm(width, eps);
    this.mlp = new Mlp(width, config.intermediate_size, layers, hidden_act === 'gelu' ? nn.gelu : quickGelu);
    this.layer_norm2 = new LayerNorm(width, eps);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const h = tf.add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return tf.add(h, this.mlp.forward(this.layer_norm2.forward(h)));
  }
}

class Encoder extends Module {
  layers: EncoderLayer[];

  constructor(config: TextTransformerConfig) {
    super();
    this.layers = Array.from({ length: config.num_hidden_layers }, () => new EncoderLayer(config));
  }

  forward(x: tf.Tensor): tf.Tensor {
    for (const layer of this.layers) x = layer.forward(x);
    return x;
  }
}

class Embeddings extends Module {
  token_embedding: Embedding;
  position_embedding: Embedding;

  constructor(config: TextTransformerConfig) {
    super();
    this.token_embedding = new Embedding(config.vocab_size, config.hidden_size, { normal: 0.02 });
    this.position_embedding = new Embedding(config.max_position_embeddings, config.hidden_size, { normal: 0.01 });
  }

  forward(ids: tf.Tensor): tf.Tensor {
    const positions = tf.slice(this.position_embedding.weight.tensor, [0, 0], [ids.shape[1] as number, -1]);
    return tf.add(this.token_embedding.forward(ids), positions);
  }
}

class TextModel extends Module {
  embeddings: Embeddings;
  encoder: Encoder;
  final_layer_norm: LayerNorm;

  constructor(config: TextTransformerConfig) {
    super();
    this.embeddings = new Embeddings(config);
    this.encoder = new Encoder(config);
    this.final_layer_norm = new LayerNorm(config.hidden_size, config.layer_norm_eps ?? 1e-5);
  }

  forward(ids: tf.Tensor): tf.Tensor {
    return this.final_layer_norm.forward(this.encoder.forward(this.embeddings.forward(ids)));
  }
}

/** CLIP's text encoder: a pre-norm causal transformer. Names and config keys are transformers' `CLIPTextModel`. */
export class TextTransformer extends Module {
  text_model: TextModel;
  readonly config: Readonly<TextTransformerConfig>;

  constructor(config: TextTransformerConfig) {
    super();
    checkConfig(config, { model: 'TextTransformer', keys: KEYS });
    if (config.hidden_act !== undefined && config.hidden_act !== 'quick_gelu' && config.hidden_act !== 'gelu') {
      throw new CoreBlocksError('invalid-config', `TextTransformer: hidden_act must be quick_gelu or gelu, got "${String(config.hidden_act)}"`, { hidden_act: config.hidden_act });
    }
    if (config.hidden_size % config.num_attention_heads !== 0) {
      throw new CoreBlocksError('invalid-config', `TextTransformer: hidden_size ${config.hidden_size} must be divisible by num_attention_heads ${config.num_attention_heads}`, { config });
    }
    this.text_model = new TextModel(config);
    this.config = config;
  }

  /**
   * Token ids `[N, S]` (int32, S at most max_position_embeddings) to the last hidden state behind the final layer norm,
   * `[N, S, D]`: what Stable Diffusion cross-attends to.
   */
  forward(ids: tf.Tensor): tf.Tensor {
    const context = this.config.max_position_embeddings;
    if (ids.rank !== 2 || (ids.shape[1] as number) > context) throw new CoreBlocksError('invalid-input', `token ids: expected [N, S] with S at most ${context}, got [${ids.shape.join(', ')}]`, { shape: ids.shape });
    return this.text_model.forward(ids);
  }
}

/** CLIP ViT-L/14's text encoder (SD1.x): 123,060,480 parameters. */
export const clipTextSd15 = () =>
  new TextTransformer({ vocab_size: 49408, hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12, max_position_embeddings: 77 });

/** OpenCLIP ViT-H/14's text encoder without its last layer (SD2.x): 340,387,840 parameters. */
export const clipTextSd21 = () =>
  new TextTransformer({ vocab_size: 49408, hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 23, num_attention_heads: 16, max_position_embeddings: 77, hidden_act: 'gelu' });
