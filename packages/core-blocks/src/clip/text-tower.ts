import * as tf from '@tensorflow/tfjs';
import { requireKeys } from '../config.ts';
import { Linear } from '../layers/layers.ts';
import { TextTransformer, type TextStates, type TextTransformerConfig } from './text-transformer.ts';

/** Config of a text encoder with a projection. */
export interface ClipTextConfig extends TextTransformerConfig {
  /** Dimensions of the embedding. */
  projection_dim: number;
  /** The id that ends a text, at whose first place it is pooled; 2: at the first of the highest ids, whatever they are. */
  eos_token_id?: number;
}

/** What ends a text in CLIP's vocabulary, transformers' default. */
const CLIP_END = 49407;
/** What transformers takes for "the highest id": configs of before its release 4.31 have it. */
const HIGHEST = 2;

/** CLIP's text tower: the encoder and the projection of its pooled state. Names are transformers' `CLIPTextModelWithProjection`. */
export class ClipTextTower extends TextTransformer {
  text_projection: Linear;
  readonly #end: number;

  constructor(config: ClipTextConfig) {
    super(config);
    requireKeys('ClipTextTower', config, ['projection_dim']);
    this.#end = config.eos_token_id ?? (config.vocab_size > CLIP_END ? CLIP_END : HIGHEST);
    this.text_projection = new Linear(config.hidden_size, config.projection_dim, {
      bias: false,
      init: { weight: { normal: config.hidden_size ** -0.5 }, bias: 'zeros' },
    });
  }

  /**
   * Token ids `[N, S]` to the hidden states and the embedding `[N, E]`, not normalised: the projected state at the end of the text:
   * where its id first stands (words that are added to a vocabulary lie above it), or, by older configs, the first of the highest ids. It
   * is pooled behind all layers, whatever `skip` says of the states.
   * @throws CoreBlocksError invalid-input
   */
  override encode(ids: tf.Tensor, skip = 0): TextStates & { embeds: tf.Tensor } {
    const states = super.encode(ids, skip);
    const marks = this.#end === HIGHEST ? ids : tf.cast(tf.equal(ids, tf.scalar(this.#end, 'int32')), 'int32');
    const end = tf.oneHot(tf.argMax(marks, 1) as tf.Tensor1D, ids.shape[1] as number);
    const pooled = tf.sum(tf.mul(states.whole, tf.expandDims(tf.cast(end, 'float32'), 2)), 1);
    return { ...states, embeds: this.text_projection.forward(pooled) };
  }
}

/** OpenCLIP ViT-bigG/14's text tower, SDXL's second text encoder: 694,659,840 parameters. */
export const clipTextBigG = () =>
  new ClipTextTower({
    vocab_size: 49408,
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_attention_heads: 20,
    max_position_embeddings: 77,
    hidden_act: 'gelu',
    projection_dim: 1280,
  });
