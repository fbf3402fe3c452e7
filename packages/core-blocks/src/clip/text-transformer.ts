import * as tf from '@tensorflow/tfjs';
import { CLIP_NORM_EPS, ClipEncoder, ENCODER_KEYS, checkEncoder, type ClipEncoderConfig } from './encoder.ts';
import { checkConfig, requireKeys } from '../config.ts';
import { WIDTH, whole } from '../config-rules.ts';
import { CoreBlocksError } from '../errors.ts';
import { Embedding, LayerNorm } from '../layers/layers.ts';
import { Module } from '../module.ts';

/** Config of a CLIP text encoder; keys are transformers' CLIPTextConfig. */
export interface TextTransformerConfig extends ClipEncoderConfig {
  vocab_size: number;
  /** Context length. */
  max_position_embeddings: number;
}

const KEYS = { vocab_size: whole(1, 1e7), max_position_embeddings: WIDTH, ...ENCODER_KEYS };

/** What a text encoder gives for token ids [N, S], as if it ended `skip` layers before its last one. */
export interface TextStates {
  /** The last hidden state behind the final layer norm, [N, S, D]: what Stable Diffusion 1 and 2 cross-attend to. */
  states: tf.Tensor;
  /** What goes into the last layer, without the final layer norm, [N, S, D]: what Stable Diffusion XL cross-attends to. */
  penultimate: tf.Tensor;
  /** The state behind all layers and the final layer norm, whatever is skipped: what a pooled embedding is taken from. */
  whole: tf.Tensor;
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
  encoder: ClipEncoder;
  final_layer_norm: LayerNorm;

  constructor(config: TextTransformerConfig) {
    super();
    this.embeddings = new Embeddings(config);
    this.encoder = new ClipEncoder(config, { causal: true });
    this.final_layer_norm = new LayerNorm(config.hidden_size, config.layer_norm_eps ?? CLIP_NORM_EPS);
  }

  forward(ids: tf.Tensor, skip: number): TextStates {
    const hidden = this.encoder.hidden(this.embeddings.forward(ids));
    const end = hidden.length - 1 - skip;
    const whole = this.final_layer_norm.forward(hidden.at(-1)!);
    return { states: skip === 0 ? whole : this.final_layer_norm.forward(hidden[end]!), penultimate: hidden[end - 1]!, whole };
  }
}

/** CLIP's text encoder: a pre-norm causal transformer. Names and config keys are transformers' `CLIPTextModel`. */
export class TextTransformer extends Module {
  text_model: TextModel;
  readonly config: Readonly<TextTransformerConfig>;

  constructor(config: TextTransformerConfig) {
    super();
    checkConfig(config, { model: 'TextTransformer', keys: KEYS });
    checkEncoder('TextTransformer', config);
    requireKeys('TextTransformer', config, ['vocab_size', 'max_position_embeddings']);
    this.text_model = new TextModel(config);
    this.config = config;
  }

  /**
   * Token ids `[N, S]` (int32, S at most max_position_embeddings) to hidden states.
   * @param skip layers at the end that are passed over, from 0 to all but one: diffusers' `clip_skip`
   * @throws CoreBlocksError invalid-input
   */
  encode(ids: tf.Tensor, skip = 0): TextStates {
    const layers = this.config.num_hidden_layers;
    if (!Number.isInteger(skip) || skip < 0 || skip >= layers)
      throw new CoreBlocksError('invalid-input', `of ${layers} layers 0 to ${layers - 1} can be skipped, got ${skip}`, { skip, layers });
    const context = this.config.max_position_embeddings;
    if (ids.rank !== 2 || (ids.shape[1] as number) > context)
      throw new CoreBlocksError('invalid-input', `token ids: expected [N, S] with S at most ${context}, got [${ids.shape.join(', ')}]`, {
        shape: ids.shape,
      });
    return this.text_model.forward(ids, skip);
  }

  /** Token ids `[N, S]` to the last hidden state behind the final layer norm, `[N, S, D]`. @throws CoreBlocksError invalid-input */
  forward(ids: tf.Tensor): tf.Tensor {
    return this.encode(ids).states;
  }
}

/** CLIP ViT-L/14's text encoder (SD1.x): 123,060,480 parameters. */
export const clipTextSd15 = () =>
  new TextTransformer({
    vocab_size: 49408,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    max_position_embeddings: 77,
  });

/** OpenCLIP ViT-H/14's text encoder without its last layer (SD2.x): 340,387,840 parameters. */
export const clipTextSd21 = () =>
  new TextTransformer({
    vocab_size: 49408,
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 23,
    num_attention_heads: 16,
    max_position_embeddings: 77,
    hidden_act: 'gelu',
  });
