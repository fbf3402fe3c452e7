import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { checkConfig, type ConfigSchema } from '../config.ts';
import { ACTIVATION, BLOCK_TYPES, FLAG, oneOf, orNull, WIDTH } from '../config-rules.ts';
import { toImage, toTokens } from '../layers/attention.ts';
import { Conv2d, Embedding } from '../layers/layers.ts';
import { stopGradient } from '../layers/stop-gradient.ts';
import { Module, type Init } from '../module.ts';
import { Decoder, DEFAULTS, Encoder, imageShapes, INERT, SHARED_KEYS, stated, type AutoencoderKLConfig } from './vae.ts';

/** Config of a vector-quantised autoencoder. Keys and defaults are diffusers', so a published config.json fits. */
export interface VQModelConfig extends Pick<
  AutoencoderKLConfig,
  | 'in_channels'
  | 'out_channels'
  | 'block_out_channels'
  | 'down_block_types'
  | 'up_block_types'
  | 'layers_per_block'
  | 'norm_num_groups'
  | 'act_fn'
  | 'mid_block_add_attention'
> {
  latent_channels?: number; // 3
  /** Size of the codebook. */
  num_vq_embeddings?: number; // 256
  /** Channels of a code; null: as many as the latents. */
  vq_embed_dim?: number | null; // null
}

/** diffusers' `VQModel`. */
export const VQ_SCHEMA: ConfigSchema = {
  model: 'VQModel',
  keys: {
    ...SHARED_KEYS,
    up_block_types: BLOCK_TYPES,
    norm_num_groups: WIDTH,
    act_fn: ACTIVATION,
    num_vq_embeddings: WIDTH,
    vq_embed_dim: orNull(WIDTH),
    // Kandinsky's decoder, whose norms see the codes.
    norm_type: oneOf('group'),
    mid_block_add_attention: FLAG,
  },
  inert: {
    ...INERT,
    scaling_factor: 'what latents are multiplied by for a denoiser',
    lookup_from_codebook: 'what diffusers\' decode is given, which here is the codes ("decodeCodes") or latents ("decode")',
  },
};

/** How much what is encoded is drawn to its code, against the code to it: diffusers' and taming-transformers'. */
const COMMITMENT = 0.25;

/** What the nearest codes make of latents. */
export interface Quantised {
  /** The codes' vectors, [N, C, h, w]; backwards they pass gradients on as if they were the latents (straight-through). */
  quantised: tf.Tensor;
  /** Indices of the codes, int32 [N, h w], row by row. */
  codes: tf.Tensor;
  /** How near each latent is to each code: minus its squared distance, but for the latent's own square; [N, h w, K]. */
  nearness: tf.Tensor;
  /** Draws codes to latents, and latents to codes a quarter as strongly: []. */
  loss: tf.Scalar;
}

/**
 * A codebook. Source: van den Oord et al. 2017; diffusers `VectorQuantizer` (`legacy` false: the quarter is the latents'), where distances
 * are compared as they are and here without the latents' own squares.
 */
class VectorQuantizer extends Module {
  embedding: Embedding;

  constructor(count: number, channels: number, init: Init) {
    super();
    this.embedding = new Embedding(count, channels, init);
  }

  forward(z: tf.Tensor): Quantised {
    const tokens = toTokens(z);
    const nearness = this.#nearness(tokens);
    const codes = stopGradient(() => tf.argMax(nearness, -1));
    const chosen = this.embedding.forward(codes);
    const [code, latent] = [chosen, tokens].map((x) => stopGradient(() => tf.clone(x))) as [tf.Tensor, tf.Tensor];
    const commitment = tf.mean(tf.squaredDifference(tokens, code));
    const loss = tf.add(tf.mul(commitment, COMMITMENT), tf.mean(tf.squaredDifference(chosen, latent))) as tf.Scalar;
    const passed = tf.add(
      tokens,
      stopGradient(() => tf.sub(chosen, tokens)),
    );
    return { quantised: toImage(passed, z.shape), codes, nearness, loss };
  }

  #nearness(tokens: tf.Tensor): tf.Tensor {
    const table = this.embedding.weight.tensor;
    return tf.sub(tf.mul(nn.linear(tokens, table, null), 2), tf.sum(tf.square(table), 1));
  }
}

/** The vector-quantised autoencoder: an encoder, a codebook, a decoder. Source: Esser et al. 2021; diffusers `VQModel`. */
export class VQModel extends Module {
  encoder: Encoder;
  quant_conv: Conv2d;
  quantize: VectorQuantizer;
  post_quant_conv: Conv2d;
  decoder: Decoder;

  /**
   * @param options.codebook how it starts; as diffusers', uniform in +-1 / size
   * @throws CoreBlocksError invalid-config naming what of the config is not built
   */
  constructor(given: VQModelConfig, options: { codebook?: Init } = {}) {
    super();
    checkConfig(given, VQ_SCHEMA);
    const config: VQModelConfig = { ...DEFAULTS, ...stated(given) };
    const { latent_channels: latent = 3, num_vq_embeddings: count = 256 } = config;
    const channels = config.vq_embed_dim ?? latent;
    const shapes = imageShapes(VQ_SCHEMA.model, config);
    this.encoder = new Encoder(config.in_channels ?? 3, latent, shapes.encoder);
    this.quant_conv = new Conv2d(latent, channels, 1);
    this.quantize = new VectorQuantizer(count, channels, options.codebook ?? { uniform: 1 / count });
    this.post_quant_conv = new Conv2d(channels, latent, 1);
    this.decoder = new Decoder(latent, config.out_channels ?? 3, shapes.decoder);
  }

  /** Images `x: [N, 3, H, W]` to latents `[N, C, h, w]`, not quantised. */
  encode(x: tf.Tensor): tf.Tensor {
    return this.quant_conv.forward(this.encoder.forward(x));
  }

  /** Latents `[N, C, h, w]` to their nearest codes. */
  quantise(latents: tf.Tensor): Quantised {
    return this.quantize.forward(latents);
  }

  /** Images `[N, 3, H, W]` of quantised latents `[N, C, h, w]`. */
  decode(quantised: tf.Tensor): tf.Tensor {
    return this.decoder.forward(this.post_quant_conv.forward(quantised), 1);
  }

  /** Images of codes, int32 [N, h w]. */
  decodeCodes(codes: tf.Tensor, [height, width]: readonly [number, number]): tf.Tensor {
    const vectors = this.quantize.embedding.forward(codes);
    const [n, , channels] = vectors.shape as [number, number, number];
    return this.decode(toImage(vectors, [n, channels, height, width]));
  }
}
