import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { CLIP_NORM_EPS, ClipEncoder, ENCODER_KEYS, checkEncoder, type ClipEncoderConfig } from './encoder.ts';
import { checkConfig, requireKeys } from '../config.ts';
import { WIDTH } from '../config-rules.ts';
import { CoreBlocksError } from '../errors.ts';
import { Embedding, LayerNorm, Linear } from '../layers/layers.ts';
import { Module, Parameter } from '../module.ts';

/** Config of a CLIP vision tower; keys are transformers' CLIPVisionConfig. */
export interface ClipVisionConfig extends ClipEncoderConfig {
  /** Side of the square image, pixels. */
  image_size: number;
  patch_size: number;
  /** Dimensions of the embedding. */
  projection_dim: number;
}

const KEYS = { image_size: WIDTH, patch_size: WIDTH, ...ENCODER_KEYS };

/** A strided convolution without bias: one token per patch, [N, 3, H, W] to [N, T, D]. */
class PatchEmbedding extends Module {
  weight: Parameter;
  #stride: number;

  constructor(width: number, patch: number) {
    super();
    this.weight = new Parameter([width, 3, patch, patch], { uniform: (3 * patch * patch) ** -0.5 });
    this.#stride = patch;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const grid = nn.conv2d(x, this.weight.tensor, null, { stride: this.#stride });
    return tf.transpose(tf.reshape(grid, [grid.shape[0], grid.shape[1], -1]), [0, 2, 1]);
  }
}

class Embeddings extends Module {
  class_embedding: Parameter;
  patch_embedding: PatchEmbedding;
  position_embedding: Embedding;

  constructor({ hidden_size: width, image_size, patch_size }: ClipVisionConfig) {
    super();
    const init = { normal: width ** -0.5 };
    this.class_embedding = new Parameter([width], init);
    this.patch_embedding = new PatchEmbedding(width, patch_size);
    this.position_embedding = new Embedding((image_size / patch_size) ** 2 + 1, width, init);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const patches = this.patch_embedding.forward(x);
    const first = tf.tile(tf.reshape(this.class_embedding.tensor, [1, 1, -1]), [patches.shape[0] as number, 1, 1]);
    return tf.add(tf.concat([first, patches], 1), this.position_embedding.weight.tensor);
  }
}

class VisionModel extends Module {
  embeddings: Embeddings;
  pre_layrnorm: LayerNorm; // transformers' spelling
  encoder: ClipEncoder;
  post_layernorm: LayerNorm;

  constructor(config: ClipVisionConfig) {
    super();
    const norm = () => new LayerNorm(config.hidden_size, config.layer_norm_eps ?? CLIP_NORM_EPS);
    this.embeddings = new Embeddings(config);
    this.pre_layrnorm = norm();
    this.encoder = new ClipEncoder(config, { causal: false });
    this.post_layernorm = norm();
  }

  /** The class token behind the last layer norm, [N, D]. */
  forward(x: tf.Tensor): tf.Tensor {
    const last = this.encoder.forward(this.pre_layrnorm.forward(this.embeddings.forward(x)));
    return this.post_layernorm.forward(tf.reshape(tf.slice(last, [0, 0, 0], [-1, 1, -1]), [last.shape[0], last.shape[2] as number]));
  }
}

/** CLIP's vision tower with its projection. Names and config keys are transformers' `CLIPVisionModelWithProjection`. */
export class ClipVisionTower extends Module {
  vision_model: VisionModel;
  visual_projection: Linear;
  readonly config: Readonly<ClipVisionConfig>;

  constructor(config: ClipVisionConfig) {
    super();
    checkConfig(config, {
      model: 'ClipVisionTower',
      keys: KEYS,
      fixed: { num_channels: { only: 3, instead: 'pictures have three channels' } },
    });
    checkEncoder('ClipVisionTower', config);
    requireKeys('ClipVisionTower', config, ['image_size', 'patch_size', 'projection_dim']);
    if (config.image_size % config.patch_size !== 0) {
      throw new CoreBlocksError(
        'invalid-config',
        `ClipVisionTower: image_size ${config.image_size} must be divisible by patch_size ${config.patch_size}`,
        { config },
      );
    }
    this.vision_model = new VisionModel(config);
    this.visual_projection = new Linear(config.hidden_size, config.projection_dim, {
      bias: false,
      init: { weight: { normal: config.hidden_size ** -0.5 }, bias: 'zeros' },
    });
    this.config = config;
  }

  /** Normalised images `[N, 3, S, S]`, S = image_size, to embeddings `[N, E]`, not normalised. @throws CoreBlocksError invalid-input */
  forward(x: tf.Tensor): tf.Tensor {
    const size = this.config.image_size;
    if (x.rank !== 4 || x.shape[1] !== 3 || x.shape[2] !== size || x.shape[3] !== size)
      throw new CoreBlocksError('invalid-input', `images: expected [N, 3, ${size}, ${size}], got [${x.shape.join(', ')}]`, {
        shape: x.shape,
      });
    return this.visual_projection.forward(this.vision_model.forward(x));
  }
}

/** OpenCLIP ViT-H/14's vision tower, SVD's image encoder: 632,076,800 parameters. */
export const clipVisionH14 = () =>
  new ClipVisionTower({
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    hidden_act: 'gelu',
    image_size: 224,
    patch_size: 14,
    projection_dim: 1024,
  });
