import * as tf from '@tensorflow/tfjs';
import { SpatialAttention } from './attention.ts';
import { checkConfig } from './config.ts';
import { CoreBlocksError } from './error.ts';
import { Conv2d, GroupNorm } from './layers.ts';
import { Module } from './module.ts';
import { Downsample2D, ResnetBlock2D, Upsample2D } from './resnet.ts';

/** Config of an autoencoder. Keys and defaults are diffusers', so a published config.json fits. */
export interface AutoencoderKLConfig {
  in_channels?: number; // 3
  out_channels?: number; // 3
  block_out_channels: readonly number[];
  /** One DownEncoderBlock2D / UpDecoderBlock2D per level. */
  down_block_types: readonly string[];
  up_block_types: readonly string[];
  layers_per_block: number;
  latent_channels?: number; // 4
  norm_num_groups?: number; // 32
  /** Latents are multiplied by it behind the encoder, so that they have about unit variance. Not applied by encode/decode. */
  scaling_factor?: number; // 0.18215
}

const KEYS = ['in_channels', 'out_channels', 'block_out_channels', 'down_block_types', 'up_block_types', 'layers_per_block', 'latent_channels', 'norm_num_groups', 'scaling_factor'];
const FIXED = { act_fn: 'silu', mid_block_add_attention: true, use_quant_conv: true, use_post_quant_conv: true };

/** All group norms of the autoencoder. */
const EPS = 1e-6;
/** diffusers' DiagonalGaussianDistribution keeps the log variance in this range. */
const LOGVAR_MIN = -30;
const LOGVAR_MAX = 20;

const resnets = (count: number, inChannels: number, outChannels: number, groups: number) =>
  Array.from({ length: count }, (_, i) => new ResnetBlock2D(i === 0 ? inChannels : outChannels, outChannels, { tembChannels: null, groups, eps: EPS }));

class EncoderBlock extends Module {
  resnets: ResnetBlock2D[];
  downsamplers: [Downsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: { layers: number; groups: number; downsample: boolean }) {
    super();
    this.resnets = resnets(options.layers, inChannels, outChannels, options.groups);
    this.downsamplers = options.downsample ? [new Downsample2D(outChannels, outChannels, 0)] : null;
  }

  forward(x: tf.Tensor): tf.Tensor {
    for (const resnet of this.resnets) x = resnet.forward(x, null);
    return this.downsamplers?.[0].forward(x) ?? x;
  }
}

class DecoderBlock extends Module {
  resnets: ResnetBlock2D[];
  upsamplers: [Upsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: { layers: number; groups: number; upsample: boolean }) {
    super();
    this.resnets = resnets(options.layers, inChannels, outChannels, options.groups);
    this.upsamplers = options.upsample ? [new Upsample2D(outChannels)] : null;
  }

  forward(x: tf.Tensor): tf.Tensor {
    for (const resnet of this.resnets) x = resnet.forward(x, null);
    return this.upsamplers?.[0].forward(x) ?? x;
  }
}

class MidBlock extends Module {
  attentions: [SpatialAttention];
  resnets: ResnetBlock2D[];

  constructor(channels: number, groups: number) {
    super();
    this.attentions = [new SpatialAttention(channels, { groups, eps: EPS })];
    this.resnets = resnets(2, channels, channels, groups);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const [first, second] = this.resnets as [ResnetBlock2D, ResnetBlock2D];
    return second.forward(this.attentions[0].forward(first.forward(x, null)), null);
  }
}

class Encoder extends Module {
  conv_in: Conv2d;
  down_blocks: EncoderBlock[];
  mid_block: MidBlock;
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(inChannels: number, outChannels: number, widths: readonly number[], layers: number, groups: number) {
    super();
    const first = widths[0] as number;
    const last = widths.at(-1) as number;
    this.conv_in = new Conv2d(inChannels, first, 3, { padding: 1 });
    this.down_blocks = widths.map((width, i) => new EncoderBlock(widths[i - 1] ?? first, width, { layers, groups, downsample: i < widths.length - 1 }));
    this.mid_block = new MidBlock(last, groups);
    this.conv_norm_out = new GroupNorm(groups, last, EPS);
    this.conv_out = new Conv2d(last, outChannels, 3, { padding: 1 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    let h = this.conv_in.forward(x);
    for (const block of this.down_blocks) h = block.forward(h);
    return this.conv_out.forward(this.conv_norm_out.forward(this.mid_block.forward(h), { silu: true }));
  }
}

class Decoder extends Module {
  conv_in: Conv2d;
  mid_block: MidBlock;
  up_blocks: DecoderBlock[];
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(inChannels: number, outChannels: number, widths: readonly number[], layers: number, groups: number) {
    super();
    const first = widths[0] as number;
    const last = widths.at(-1) as number;
    this.conv_in = new Conv2d(inChannels, last, 3, { padding: 1 });
    this.mid_block = new MidBlock(last, groups);
    this.up_blocks = widths.toReversed().map((width, i, reversed) => new DecoderBlock(reversed[i - 1] ?? last, width, { layers: layers + 1, groups, upsample: i < widths.length - 1 }));
    this.conv_norm_out = new GroupNorm(groups, first, EPS);
    this.conv_out = new Conv2d(first, outChannels, 3, { padding: 1 });
  }

  forward(z: tf.Tensor): tf.Tensor {
    let h = this.mid_block.forward(this.conv_in.forward(z));
    for (const block of this.up_blocks) h = block.forward(h);
    return this.conv_out.forward(this.conv_norm_out.forward(h, { silu: true }));
  }
}

/** The variational autoencoder between pixels and latents. Source: diffusers `AutoencoderKL`. */
export class AutoencoderKL extends Module {
  encoder: Encoder;
  decoder: Decoder;
  quant_conv: Conv2d;
  post_quant_conv: Conv2d;
  readonly scalingFactor: number;
  /** Pixels per latent along a side: 8 for Stable Diffusion. */
  readonly factor: number;
  readonly latentChannels: number;

  constructor(config: AutoencoderKLConfig) {
    super();
    checkConfig(config, { model: 'AutoencoderKL', keys: KEYS, fixed: FIXED });
    const { block_out_channels: widths, layers_per_block: layers, latent_channels: latent = 4, norm_num_groups: groups = 32 } = config;
    const types = [...config.down_block_types.filter((t) => t !== 'DownEncoderBlock2D'), ...config.up_block_types.filter((t) => t !== 'UpDecoderBlock2D')];
    if (widths.length === 0 || types.length || config.down_block_types.length !== widths.length || config.up_block_types.length !== widths.length) {
      throw new CoreBlocksError('invalid-config', `AutoencoderKL: expected one DownEncoderBlock2D and one UpDecoderBlock2D for each of the ${widths.length} levels of block_out_channels`, { config });
    }
    this.encoder = new Encoder(config.in_channels ?? 3, latent * 2, widths, layers, groups);
    this.decoder = new Decoder(latent, config.out_channels ?? 3, widths, layers, groups);
    this.quant_conv = new Conv2d(latent * 2, latent * 2, 1);
    this.post_quant_conv = new Conv2d(latent, latent, 1);
    this.scalingFactor = config.scaling_factor ?? 0.18215;
    this.factor = 2 ** (widths.length - 1);
    this.latentChannels = latent;
  }

  /**
   * The posterior of images `x: [N, 3, H, W]` in [-1, 1]: `mean` and `logvar`, each `[N, C, H/f, W/f]`, before scaling.
   * A latent is `(mean + exp(logvar / 2) * noise) * scalingFactor`.
   */
  encode(x: tf.Tensor): { mean: tf.Tensor; logvar: tf.Tensor } {
    const [mean, logvar] = tf.split(this.quant_conv.forward(this.encoder.forward(x)), 2, 1) as [tf.Tensor, tf.Tensor];
    return { mean, logvar: tf.clipByValue(logvar, LOGVAR_MIN, LOGVAR_MAX) };
  }

  /** Images `[N, 3, H, W]`, about in [-1, 1], of unscaled latents `z: [N, C, h, w]` (divide by scalingFactor first). */
  decode(z: tf.Tensor): tf.Tensor {
    return this.decoder.forward(this.post_quant_conv.forward(z));
  }
}

/** Stable Diffusion's autoencoder: 83,653,863 parameters. */
export const vaeSd = () =>
  new AutoencoderKL({
    block_out_channels: [128, 256, 512, 512],
    down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
    up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
    layers_per_block: 2,
  });
