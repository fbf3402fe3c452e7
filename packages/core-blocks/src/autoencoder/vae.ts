import * as tf from '@tensorflow/tfjs';
import { SpatialAttention } from '../layers/attention.ts';
import { checkConfig } from '../config.ts';
import { CoreBlocksError } from '../errors.ts';
import { Conv2d, GroupNorm } from '../layers/layers.ts';
import { Module } from '../module.ts';
import { Downsample2D, ResnetBlock2D, Upsample2D } from '../layers/resnet.ts';
import { SpatioTemporalResBlock, TemporalConv } from '../layers/spatio-temporal.ts';

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

const KEYS = [
  'in_channels',
  'out_channels',
  'block_out_channels',
  'down_block_types',
  'up_block_types',
  'layers_per_block',
  'latent_channels',
  'norm_num_groups',
  'scaling_factor',
];
const FIXED = { act_fn: 'silu', mid_block_add_attention: true, use_quant_conv: true, use_post_quant_conv: true };

const TEMPORAL_KEYS = [
  'in_channels',
  'out_channels',
  'block_out_channels',
  'down_block_types',
  'layers_per_block',
  'latent_channels',
  'scaling_factor',
];

/** All group norms of the autoencoder, but those across frames. */
const EPS = 1e-6;
const TEMPORAL_EPS = 1e-5;
/** Hard-coded in diffusers' temporal decoder. */
const TEMPORAL_GROUPS = 32;
/** diffusers' DiagonalGaussianDistribution keeps the log variance in this range. */
const LOGVAR_MIN = -30;
const LOGVAR_MAX = 20;

interface BlockOptions {
  groups: number;
  /** Residual blocks that see the frames of a video. */
  video: boolean;
}

type Residual = ResnetBlock2D | SpatioTemporalResBlock;

function resnets(count: number, inChannels: number, outChannels: number, { groups, video }: BlockOptions): Residual[] {
  const options = { tembChannels: null, groups, eps: EPS };
  const temporal = { temporalEps: TEMPORAL_EPS, initialMix: 0, temporalFirst: true };
  return Array.from({ length: count }, (_, i) => {
    const width = i === 0 ? inChannels : outChannels;
    return video
      ? new SpatioTemporalResBlock(width, outChannels, { ...options, ...temporal })
      : new ResnetBlock2D(width, outChannels, options);
  });
}

class EncoderBlock extends Module {
  resnets: Residual[];
  downsamplers: [Downsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; downsample: boolean }) {
    super();
    this.resnets = resnets(options.layers, inChannels, outChannels, options);
    this.downsamplers = options.downsample ? [new Downsample2D(outChannels, outChannels, 0)] : null;
  }

  forward(x: tf.Tensor): tf.Tensor {
    for (const resnet of this.resnets) x = resnet.forward(x, null, 1);
    return this.downsamplers?.[0].forward(x) ?? x;
  }
}

class DecoderBlock extends Module {
  resnets: Residual[];
  upsamplers: [Upsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; upsample: boolean }) {
    super();
    this.resnets = resnets(options.layers, inChannels, outChannels, options);
    this.upsamplers = options.upsample ? [new Upsample2D(outChannels)] : null;
  }

  forward(x: tf.Tensor, frames: number): tf.Tensor {
    for (const resnet of this.resnets) x = resnet.forward(x, null, frames);
    return this.upsamplers?.[0].forward(x) ?? x;
  }
}

class MidBlock extends Module {
  attentions: [SpatialAttention];
  resnets: Residual[];

  constructor(channels: number, options: BlockOptions) {
    super();
    this.attentions = [new SpatialAttention(channels, { groups: options.groups, eps: EPS })];
    this.resnets = resnets(2, channels, channels, options);
  }

  forward(x: tf.Tensor, frames: number): tf.Tensor {
    const [first, second] = this.resnets as [Residual, Residual];
    return second.forward(this.attentions[0].forward(first.forward(x, null, frames)), null, frames);
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
    this.down_blocks = widths.map(
      (width, i) => new EncoderBlock(widths[i - 1] ?? first, width, { layers, groups, video: false, downsample: i < widths.length - 1 }),
    );
    this.mid_block = new MidBlock(last, { groups, video: false });
    this.conv_norm_out = new GroupNorm(groups, last, EPS);
    this.conv_out = new Conv2d(last, outChannels, 3, { padding: 1 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    let h = this.conv_in.forward(x);
    for (const block of this.down_blocks) h = block.forward(h);
    return this.conv_out.forward(this.conv_norm_out.forward(this.mid_block.forward(h, 1), { silu: true }));
  }
}

class Decoder extends Module {
  conv_in: Conv2d;
  mid_block: MidBlock;
  up_blocks: DecoderBlock[];
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(inChannels: number, outChannels: number, widths: readonly number[], layers: number, options: BlockOptions) {
    super();
    const first = widths[0] as number;
    const last = widths.at(-1) as number;
    this.conv_in = new Conv2d(inChannels, last, 3, { padding: 1 });
    this.mid_block = new MidBlock(last, options);
    this.up_blocks = widths
      .toReversed()
      .map(
        (width, i, reversed) =>
          new DecoderBlock(reversed[i - 1] ?? last, width, { ...options, layers: layers + 1, upsample: i < widths.length - 1 }),
      );
    this.conv_norm_out = new GroupNorm(options.groups, first, EPS);
    this.conv_out = new Conv2d(first, outChannels, 3, { padding: 1 });
  }

  forward(z: tf.Tensor, frames: number): tf.Tensor {
    let h = this.mid_block.forward(this.conv_in.forward(z), frames);
    for (const block of this.up_blocks) h = block.forward(h, frames);
    return this.conv_out.forward(this.conv_norm_out.forward(h, { silu: true }));
  }
}

/** A decoder whose residual blocks and last convolution see the neighbouring frames. Source: diffusers `TemporalDecoder`. */
class TemporalDecoder extends Decoder {
  time_conv_out: TemporalConv;

  constructor(inChannels: number, outChannels: number, widths: readonly number[], layers: number, options: BlockOptions) {
    super(inChannels, outChannels, widths, layers, options);
    this.time_conv_out = new TemporalConv(outChannels, outChannels);
  }

  override forward(z: tf.Tensor, frames: number): tf.Tensor {
    return this.time_conv_out.overFrames(super.forward(z, frames), frames);
  }
}

/** What the autoencoders of images and videos share: images in, latents out. */
abstract class Autoencoder extends Module {
  encoder: Encoder;
  quant_conv: Conv2d;
  readonly scalingFactor: number;
  /** Pixels per latent along a side: 8 for Stable Diffusion. */
  readonly factor: number;
  readonly latentChannels: number;

  constructor(
    config: Pick<AutoencoderKLConfig, 'in_channels' | 'block_out_channels' | 'layers_per_block' | 'latent_channels' | 'scaling_factor'>,
    groups: number,
  ) {
    super();
    const { block_out_channels: widths, latent_channels: latent = 4 } = config;
    this.encoder = new Encoder(config.in_channels ?? 3, latent * 2, widths, config.layers_per_block, groups);
    this.quant_conv = new Conv2d(latent * 2, latent * 2, 1);
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
}

/** @throws CoreBlocksError invalid-config unless every level has one block of the only type there is. */
function checkBlockTypes(model: string, levels: number, types: readonly string[], only: string): void {
  if (levels === 0 || types.length !== levels || types.some((type) => type !== only)) {
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: expected one ${only} for each of the ${levels} levels of block_out_channels, got [${types.join(', ')}]`,
      { levels, types },
    );
  }
}

/** The variational autoencoder between pixels and latents. Source: diffusers `AutoencoderKL`. */
export class AutoencoderKL extends Autoencoder {
  decoder: Decoder;
  post_quant_conv: Conv2d;

  constructor(config: AutoencoderKLConfig) {
    checkConfig(config, { model: 'AutoencoderKL', keys: KEYS, fixed: FIXED });
    const { block_out_channels: widths, norm_num_groups: groups = 32 } = config;
    checkBlockTypes('AutoencoderKL', widths.length, config.down_block_types, 'DownEncoderBlock2D');
    checkBlockTypes('AutoencoderKL', widths.length, config.up_block_types, 'UpDecoderBlock2D');
    super(config, groups);
    this.decoder = new Decoder(this.latentChannels, config.out_channels ?? 3, widths, config.layers_per_block, { groups, video: false });
    this.post_quant_conv = new Conv2d(this.latentChannels, this.latentChannels, 1);
  }

  /** Images `[N, 3, H, W]`, about in [-1, 1], of unscaled latents `z: [N, C, h, w]` (divide by scalingFactor first). */
  decode(z: tf.Tensor): tf.Tensor {
    return this.decoder.forward(this.post_quant_conv.forward(z), 1);
  }
}

/** Config of a video autoencoder. Keys and defaults are diffusers', so a published config.json fits. */
export interface AutoencoderKLTemporalDecoderConfig {
  in_channels?: number; // 3
  out_channels?: number; // 3
  block_out_channels: readonly number[];
  /** One DownEncoderBlock2D per level. */
  down_block_types: readonly string[];
  /** 2: the middle block of the reference has room for no other number. */
  layers_per_block: number;
  latent_channels?: number; // 4
  scaling_factor?: number; // 0.18215
}

/**
 * Stable Video Diffusion's autoencoder: encodes single images, decodes frames together. Source: diffusers `AutoencoderKLTemporalDecoder`.
 */
export class AutoencoderKLTemporalDecoder extends Autoencoder {
  decoder: TemporalDecoder;

  constructor(config: AutoencoderKLTemporalDecoderConfig) {
    const model = 'AutoencoderKLTemporalDecoder';
    checkConfig(config, { model, keys: TEMPORAL_KEYS });
    const { block_out_channels: widths, layers_per_block: layers } = config;
    checkBlockTypes(model, widths.length, config.down_block_types, 'DownEncoderBlock2D');
    if (layers !== 2)
      throw new CoreBlocksError('invalid-config', `${model}: layers_per_block: only 2 is implemented, got ${layers}`, {
        layers_per_block: layers,
      });
    super(config, TEMPORAL_GROUPS);
    this.decoder = new TemporalDecoder(this.latentChannels, config.out_channels ?? 3, widths, layers, {
      groups: TEMPORAL_GROUPS,
      video: true,
    });
  }

  /** Frames `[B F, 3, H, W]`, about in [-1, 1], of unscaled latents `z: [B F, C, h, w]`; the frames of a video follow each other. */
  decode(z: tf.Tensor, frames: number): tf.Tensor {
    if ((z.shape[0] as number) % frames !== 0)
      throw new CoreBlocksError('invalid-input', `latents: expected a multiple of ${frames} frames, got [${z.shape.join(', ')}]`, {
        shape: z.shape,
        frames,
      });
    return this.decoder.forward(z, frames);
  }
}

const SD_VAE = {
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
  layers_per_block: 2,
};
const SD_VAE_DECODER = { up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D') };

/** Stable Diffusion 1.x's and 2.x's autoencoder: 83,653,863 parameters. */
export const vaeSd = () => new AutoencoderKL({ ...SD_VAE, ...SD_VAE_DECODER });

/** Stable Diffusion XL's autoencoder: the same network with latents of another scale. */
export const vaeSdxl = () => new AutoencoderKL({ ...SD_VAE, ...SD_VAE_DECODER, scaling_factor: 0.13025 });

/** Stable Video Diffusion's autoencoder: 97,742,847 parameters. */
export const vaeSvd = () => new AutoencoderKLTemporalDecoder(SD_VAE);
