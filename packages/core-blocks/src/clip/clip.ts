import * as tf from '@tensorflow/tfjs';
import { ClipTextTower, type ClipTextConfig } from './text-tower.ts';
import { ClipVisionTower, type ClipVisionConfig } from './vision-tower.ts';
import { checkConfig, requireKeys } from '../config.ts';
import { WIDTH, type ValueRule } from '../config-rules.ts';
import { Module, Parameter } from '../module.ts';

/** Config of a whole CLIP; keys are transformers' CLIPConfig, whose one projection_dim rules both towers. */
export interface ClipConfig {
  text_config: Omit<ClipTextConfig, 'projection_dim'>;
  vision_config: Omit<ClipVisionConfig, 'projection_dim'>;
  projection_dim: number;
}

/** The last three repeat what the others say, or only matter before training. */
const anything: ValueRule = { expected: 'anything', accepts: () => true };
const towers: ValueRule = { expected: 'the config of a tower', accepts: (value) => typeof value === 'object' && value !== null };
const KEYS = {
  text_config: towers,
  vision_config: towers,
  projection_dim: WIDTH,
  text_config_dict: anything,
  vision_config_dict: anything,
  logit_scale_init_value: anything,
};

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

/** A config without those settings. */
export const withoutGeneration = <T extends object>(config: T): T =>
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
    requireKeys('ClipModel', config, ['text_config', 'vision_config', 'projection_dim']);
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
