import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { requireKeys } from '../config.ts';
import { EPSILON, WIDTH, oneOf, whole } from '../config-rules.ts';
import { CoreBlocksError } from '../errors.ts';
import { LayerNorm, Linear, type LayerInit } from '../layers/layers.ts';
import { Module } from '../module.ts';

/** What CLIP's two towers share of their configs; keys are transformers'. */
export interface ClipEncoderConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_act?: 'quick_gelu' | 'gelu'; // quick_gelu
  layer_norm_eps?: number; // 1e-5
}

/** The keys of {@link ClipEncoderConfig}. */
export const ENCODER_KEYS = {
  hidden_size: WIDTH,
  intermediate_size: WIDTH,
  num_hidden_layers: whole(1, 1024),
  num_attention_heads: WIDTH,
  hidden_act: oneOf('quick_gelu', 'gelu'),
  layer_norm_eps: EPSILON,
};

/** PyTorch's default, which CLIP's configs rarely state. */
export const CLIP_NORM_EPS = 1e-5;

/** @throws CoreBlocksError invalid-config for sizes that are not stated, or heads that do not divide the width. */
export function checkEncoder(model: string, config: ClipEncoderConfig): void {
  requireKeys(model, config, ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads']);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: hidden_size ${config.hidden_size} must be divisible by num_attention_heads ${config.num_attention_heads}`,
      { config },
    );
  }
}

/** CLIP's initialisation: normal weights, zero biases (openai/CLIP `initialize_parameters`). */
const normal = (std: number): LayerInit => ({ weight: { normal: std }, bias: 'zeros' });

const quickGelu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));

class SelfAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  #heads: number;
  #causal: boolean;

  constructor(width: number, heads: number, layers: number, causal: boolean) {
    super();
    const project = () => new Linear(width, width, { init: normal(width ** -0.5) });
    this.q_proj = project();
    this.k_proj = project();
    this.v_proj = project();
    this.out_proj = new Linear(width, width, { init: normal((2 * layers * width) ** -0.5) });
    this.#heads = heads;
    this.#causal = causal;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.out_proj.forward(
      nn.attention(this.q_proj.forward(x), this.k_proj.forward(x), this.v_proj.forward(x), this.#heads, { causal: this.#causal }),
    );
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
  self_attn: SelfAttention;
  layer_norm1: LayerNorm;
  mlp: Mlp;
  layer_norm2: LayerNorm;

  constructor(config: ClipEncoderConfig, causal: boolean) {
    super();
    const { hidden_size: width, num_hidden_layers: layers, layer_norm_eps: eps = CLIP_NORM_EPS, hidden_act = 'quick_gelu' } = config;
    this.self_attn = new SelfAttention(width, config.num_attention_heads, layers, causal);
    this.layer_norm1 = new LayerNorm(width, eps);
    this.mlp = new Mlp(width, config.intermediate_size, layers, hidden_act === 'gelu' ? nn.gelu : quickGelu);
    this.layer_norm2 = new LayerNorm(width, eps);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const h = tf.add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return tf.add(h, this.mlp.forward(this.layer_norm2.forward(h)));
  }
}

/** Pre-norm transformer layers on `x: [N, T, D]`: causal in the text tower, not in the vision tower. */
export class ClipEncoder extends Module {
  layers: EncoderLayer[];

  constructor(config: ClipEncoderConfig, options: { causal: boolean }) {
    super();
    this.layers = Array.from({ length: config.num_hidden_layers }, () => new EncoderLayer(config, options.causal));
  }

  /** What goes into the first layer, then what comes out of each. */
  hidden(x: tf.Tensor): tf.Tensor[] {
    const states = [x];
    for (const layer of this.layers) states.push((x = layer.forward(x)));
    return states;
  }

  /** What comes out of the last layer. */
  forward(x: tf.Tensor): tf.Tensor {
    return this.hidden(x).at(-1)!;
  }
}
