import * as tf from '@tensorflow/tfjs';
import {
  CodeTransformer,
  pixelShuffle,
  pixelUnshuffle,
  stopGradient,
  VQModel,
  withParameters,
  type CodeTransformerConfig,
  type VQModelConfig,
  type Weights,
} from '@controllab/core-blocks';
import type { PictureModel } from '@controllab/training';
import { crossEntropy } from '../networks/inception.ts';
import { IMAGE_SIZE } from '../networks/models.ts';

/** Size of the codebook. */
const CODES = 512;
/** A picture's codes: one for 8 x 8 pixels. */
export const CODE_GRID = [8, 8] as const;
const PATCH = 4;

/**
 * Works on 4x4 pixel-unshuffled pictures, as the embedded default's autoencoder does, and halves once more. Of codes of few channels more
 * are used (Yu et al. 2022, ViT-VQGAN).
 */
const MINI_VQ: VQModelConfig = {
  in_channels: 3 * PATCH ** 2,
  out_channels: 3 * PATCH ** 2,
  block_out_channels: [64, 128],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  layers_per_block: 1,
  latent_channels: 32,
  num_vq_embeddings: CODES,
  vq_embed_dim: 8,
  norm_num_groups: 8,
};

const MINI_CODE_TRANSFORMER: CodeTransformerConfig = {
  vocab_size: CODES,
  code_grid: CODE_GRID,
  condition_patch: IMAGE_SIZE / CODE_GRID[0],
  hidden_size: 128,
  intermediate_size: 512,
  num_hidden_layers: 6,
  num_attention_heads: 4,
};

export const miniVq = (): VQModel => new VQModel(MINI_VQ, { codebook: { normal: 1 } });
export const miniCodeTransformer = (): CodeTransformer => new CodeTransformer(MINI_CODE_TRANSFORMER);

/**
 * Latents of pictures, each of zero mean and unit variance over its channels as codes are at the start: latents that lie close together
 * beside their codes would all take the same few.
 */
const latentsOf = (vq: VQModel, images: tf.Tensor): tf.Tensor => {
  const z = vq.encode(pixelUnshuffle(images, PATCH));
  const { mean, variance } = tf.moments(z, 1, true);
  return tf.mul(tf.sub(z, mean), tf.rsqrt(tf.add(variance, 1e-5)));
};

/** Codes, int32 [N, 64], of pictures [N, 3, 64, 64] in [-1, 1]. */
export const codesOf = (vq: VQModel, images: tf.Tensor): tf.Tensor => vq.quantise(latentsOf(vq, images)).codes;

/** Pictures of codes. */
export const picturesOf = (vq: VQModel, codes: tf.Tensor): tf.Tensor => pixelShuffle(vq.decodeCodes(codes, CODE_GRID), PATCH);

const PIXELS = [IMAGE_SIZE, IMAGE_SIZE] as const;
/** Weight of what keeps small errors from being ignored, as in the embedded default's autoencoder: drawings are flat. */
const CHARBONNIER = 0.2;

/** Weight of the entropy loss. */
const ENTROPY = 0.1;

/**
 * Entropy of a latent's soft choice among the codes less that of all latents' mean choice: every latent is to choose one code, and all of
 * them many. Without it a few codes take everything within 60 steps. Source: Chang et al. 2022 (MaskGIT), its tokenizer's entropy loss.
 * @param nearness [N, T, K]
 */
export function entropyLoss(nearness: tf.Tensor): tf.Tensor {
  const log = tf.logSoftmax(nearness);
  const each = tf.softmax(nearness);
  const all = tf.mean(each, [0, 1]);
  return tf.sub(tf.sum(tf.mul(all, tf.log(tf.add(all, 1e-8)))), tf.mean(tf.sum(tf.mul(each, log), -1)));
}

/**
 * The first stage: squared error, a Charbonnier term, and the codebook's loss. VQGAN's has a perceptual and an adversarial loss in their
 * place. Trains `vq`.
 */
export function firstStage(): PictureModel {
  const vq = miniVq();
  return {
    modules: { vq },
    constants: {},
    pixels: PIXELS,
    conditional: false,
    loss({ images }) {
      const { quantised, nearness, loss } = vq.quantise(latentsOf(vq, images!));
      const error = tf.squaredDifference(pixelShuffle(vq.decode(quantised), PATCH), images!);
      const edges = tf.mean(tf.sqrt(tf.add(error, 1e-4)));
      const terms = [tf.mean(error), tf.mul(edges, CHARBONNIER), loss, tf.mul(entropyLoss(nearness), ENTROPY)];
      return tf.addN(terms) as tf.Scalar;
    },
  };
}

/** The second stage: cross-entropy of a picture's codes under its condition, the first stage locked. Trains `prior`. */
export function secondStage(first: Weights): PictureModel {
  const [vq, prior] = [miniVq(), miniCodeTransformer()];
  return {
    modules: { prior },
    constants: first,
    pixels: PIXELS,
    conditional: true,
    loss({ images, condition }, constants) {
      const codes = stopGradient(() => withParameters({ vq }, constants, () => codesOf(vq, images!)));
      return crossEntropy(prior.forward(condition!, codes), tf.oneHot(codes as tf.Tensor2D, CODES));
    },
  };
}
