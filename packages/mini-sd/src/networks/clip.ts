import * as tf from '@tensorflow/tfjs';
import { Linear, Module, Parameter, TextTransformer, type TextTransformerConfig } from '@controllab/core-blocks';
import { CONTEXT_LENGTH } from '@controllab/emoji-scenes';
import { ConvTrunk, DownConv } from './conv-trunk.ts';
import { TEXT_WIDTH } from './models.ts';

const TEXT_LAYERS = 4;
/** Id of `<end>` in every vocabulary of emoji-scenes. */
const END = 2;

const configOf = (vocabularySize: number, layers: number): TextTransformerConfig => ({
  vocab_size: vocabularySize,
  hidden_size: TEXT_WIDTH,
  intermediate_size: 4 * TEXT_WIDTH,
  num_hidden_layers: layers,
  num_attention_heads: 4,
  max_position_embeddings: CONTEXT_LENGTH,
});
const textTransformer = (vocabularySize: number, layers: number): TextTransformer => new TextTransformer(configOf(vocabularySize, layers));

/**
 * The text encoder that conditions the U-Net: mini-CLIP's without its last layer, as in Stable Diffusion 2. There, only `<end>` was trained
 * by the contrastive loss; one layer earlier every token carries what the picture shows.
 */
export const miniText = (vocabularySize: number): TextTransformer => textTransformer(vocabularySize, TEXT_LAYERS - 1);

/** Its config; keys are transformers'. */
export const textConfig = (vocabularySize: number): TextTransformerConfig => configOf(vocabularySize, TEXT_LAYERS - 1);

/**
 * Image tower: the convolutional trunk, one more halving, and a linear map of the 4x4 grid, so that places survive (CLIP's ResNets pool by
 * attention).
 */
class VisionModel extends Module {
  trunk: ConvTrunk;
  down: DownConv;

  constructor() {
    super();
    this.trunk = new ConvTrunk();
    this.down = new DownConv(ConvTrunk.WIDTHS[2], 256);
  }

  /** [N, 4096] of images [N, 3, 64, 64] in [-1, 1]. */
  forward(images: tf.Tensor): tf.Tensor {
    const h = this.down.forward(this.trunk.forward(images)[2]);
    return tf.reshape(h, [h.shape[0]!, 4096]);
  }
}

/** Scale of the cosine similarities at the start of training, and the largest that CLIP allows. */
const LOGIT_SCALE = Math.log(1 / 0.07);
const LARGEST_LOGIT_SCALE = Math.log(100);

const normalised = (x: tf.Tensor): tf.Tensor => tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), -1, true), 1e-12)));

/** A small CLIP: picture and caption to one space. Names follow transformers' CLIPModel. */
export class MiniClip extends Module {
  text: TextTransformer;
  vision_model: VisionModel;
  visual_projection: Linear;
  text_projection: Linear;
  logit_scale: Parameter;

  constructor(vocabularySize: number) {
    super();
    this.text = textTransformer(vocabularySize, TEXT_LAYERS);
    this.vision_model = new VisionModel();
    this.visual_projection = new Linear(4096, TEXT_WIDTH, { bias: false });
    this.text_projection = new Linear(TEXT_WIDTH, TEXT_WIDTH, { bias: false });
    this.logit_scale = new Parameter([1], 'zeros');
  }

  /** L2-normalised embeddings [N, 128] of images [N, 3, 64, 64] in [-1, 1]. */
  encodeImages(images: tf.Tensor): tf.Tensor {
    return normalised(this.visual_projection.forward(this.vision_model.forward(images)));
  }

  /** L2-normalised embeddings [N, 128] of token ids [N, S], pooled where `<end>` stands. */
  encodeTexts(ids: tf.Tensor): tf.Tensor {
    const end = tf.expandDims(tf.cast(tf.equal(ids, tf.scalar(END, 'int32')), 'float32'), 2);
    return normalised(this.text_projection.forward(tf.sum(tf.mul(this.text.forward(ids), end), 1)));
  }

  /** exp of the learned logit scale; the parameter is stored relative to CLIP's start, so that it begins at zero. */
  scale(): tf.Tensor {
    return tf.exp(tf.minimum(tf.add(this.logit_scale.tensor, LOGIT_SCALE), LARGEST_LOGIT_SCALE));
  }
}

/**
 * CLIP's symmetric cross-entropy over `images` [B, D] and `texts` [(1 + h)B, D], of which the first B are the images' captions and the rest
 * are false for all of them (NegCLIP, Yuksekgonul et al. 2023): they only stand in the way of the images.
 */
export function contrastiveLoss(images: tf.Tensor, texts: tf.Tensor, scale: tf.Tensor): tf.Scalar {
  const count = images.shape[0]!;
  const logits = tf.mul(tf.matMul(images as tf.Tensor2D, texts as tf.Tensor2D, false, true), scale);
  const own = tf.sum(tf.mul(images, tf.slice(texts, [0, 0], [count, -1])), 1);
  const right = tf.mul(own, scale);
  const imageToText = tf.sub(tf.logSumExp(logits, 1), right);
  const textToImage = tf.sub(tf.logSumExp(tf.slice(logits, [0, 0], [count, count]), 0), right);
  return tf.mul(tf.mean(tf.add(imageToText, textToImage)), 0.5) as tf.Scalar;
}
