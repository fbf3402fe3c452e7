import * as tf from '@tensorflow/tfjs';
import { openaiClipConfig } from './clip-openai.ts';
import { ClipTextTower, type ClipTextConfig } from './clip-text.ts';
import { ClipVisionTower, type ClipVisionConfig } from './clip-vision.ts';
import { checkConfig } from './config.ts';
import { Module, Parameter } from './module.ts';

/** Config of a whole CLIP; keys are transformers' CLIPConfig, whose one projection_dim rules both towers. */
export interface ClipConfig {
  text_config: Omit<ClipTextConfig, 'projection_dim'>;
  vision_config: Omit<ClipVisionConfig, 'projection_dim'>;
  projection_dim: number;
}

/** The last three repeat what the others say, or only matter before training. */
const KEYS = ['text_config', 'vision_config', 'projection_dim', 'text_config_dict', 'vision_config_dict', 'logit_scale_init_value'];

/** What transformers wrote into every config, whatever the model: settings of text generation and classification. */
const GENERATION = new Set([
  'begin_suppress_tokens',
  'chunk_size_feed_forward',
  'diversity_penalty',
  'encoder_no_repeat_ngram_size',
  'id2label',
  'label2id',
  'length_penalty',
  'max_length',
  'min_length',
  'no_repeat_ngram_size',
  'num_beam_groups',
  'num_beams',
  'num_return_sequences',
  'pruned_heads',
  'repetition_penalty',
  'return_dict',
  'temperature',
  'tie_word_embeddings',
  'top_k',
  'top_p',
  'typical_p',
]);

const withoutGeneration = <T extends object>(config: T): T =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !GENERATION.has(key))) as T;

/** Both towers and the learned temperature. Names are transformers' `CLIPModel`; for openai/CLIP's see `openaiClip`. */
export class ClipModel extends Module {
  text_model: ClipTextTower['text_model'];
  vision_model: ClipVisionTower['vision_model'];
  visual_projection: ClipVisionTower['visual_projection'];
  text_projection: ClipTextTower['text_projection'];
  /** Logarithm of the temperature's inverse. */
  logit_scale: Parameter;
  /** The towers, each a network of its own with the same names. */
  #text: ClipTextTower;
  #vision: ClipVisionTower;

  constructor(config: ClipConfig) {
    super();
    checkConfig(config, { model: 'ClipModel', keys: KEYS });
    const { projection_dim } = config;
    this.#text = new ClipTextTower({ ...withoutGeneration(config.text_config), projection_dim });
    this.#vision = new ClipVisionTower({ ...withoutGeneration(config.vision_config), projection_dim });
    this.text_model = this.#text.text_model;
    this.vision_model = this.#vision.vision_model;
    this.visual_projection = this.#vision.visual_projection;
    this.text_projection = this.#text.text_projection;
    this.logit_scale = new Parameter([], { constant: Math.log(1 / 0.07) });
  }

  get text(): ClipTextTower {
    return this.#text;
  }

  get vision(): ClipVisionTower {
    return this.#vision;
  }

  /** Images `[N, 3, S, S]` and token ids `[M, T]` to the scaled cosines of every pair, `[N, M]`. @throws CoreBlocksError invalid-input */
  forward(images: tf.Tensor, ids: tf.Tensor): tf.Tensor {
    const unit = (x: tf.Tensor): tf.Tensor => tf.div(x, tf.sqrt(tf.sum(tf.square(x), -1, true)));
    const cosines = tf.matMul(unit(this.#vision.forward(images)), unit(this.#text.encode(ids).embeds), false, true);
    return tf.mul(tf.exp(this.logit_scale.tensor), cosines);
  }
}

const OPENAI = { context_length: 77, vocab_size: 49408, transformer_layers: 12 };
const B = {
  ...OPENAI,
  embed_dim: 512,
  image_resolution: 224,
  vision_layers: 12,
  vision_width: 768,
  transformer_width: 512,
  transformer_heads: 8,
};
const L14 = {
  ...OPENAI,
  embed_dim: 768,
  vision_layers: 24,
  vision_width: 1024,
  vision_patch_size: 14,
  transformer_width: 768,
  transformer_heads: 12,
};

/** OpenAI's ViT-B/32: 151,277,313 parameters. */
export const clipVitB32 = () => new ClipModel(openaiClipConfig({ ...B, vision_patch_size: 32 }));

/** OpenAI's ViT-B/16: 149,620,737 parameters. */
export const clipVitB16 = () => new ClipModel(openaiClipConfig({ ...B, vision_patch_size: 16 }));

/** OpenAI's ViT-L/14: 427,616,513 parameters. */
export const clipVitL14 = () => new ClipModel(openaiClipConfig({ ...L14, image_resolution: 224 }));

/** OpenAI's ViT-L/14 at 336 pixels: 427,944,193 parameters. */
export const clipVitL14At336 = () => new ClipModel(openaiClipConfig({ ...L14, image_resolution: 336 }));
