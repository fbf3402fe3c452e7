import * as tf from '@tensorflow/tfjs';
import { SpatialAttention } from '../layers/attention.ts';
import { checkConfig, refuseConfig, type ConfigSchema } from '../config.ts';
import { ACTIVATION, BLOCK_TYPES, FLAG, LAYER_COUNT, MAX_LEVELS, WIDTH, listOf, number, orNull, type ValueRule } from '../config-rules.ts';
import { CoreBlocksError } from '../errors.ts';
import { activationNamed, type Activation } from '../layers/activation.ts';
import { Conv2d, GroupNorm } from '../layers/layers.ts';
import { Module } from '../module.ts';
import { ResnetBlock2D } from '../layers/resnet.ts';
import { Downsample2D, Upsample2D } from '../layers/sampling.ts';
import { SpatioTemporalResBlock, TemporalConv } from '../layers/spatio-temporal.ts';

/** Config of an autoencoder. Keys and defaults are diffusers', so a published config.json fits. */
export interface AutoencoderKLConfig {
  in_channels?: number; // 3
  out_channels?: number; // 3
  block_out_channels: readonly number[];
  /** One DownEncoderBlock2D / UpDecoderBlock2D per level, or AttnDownEncoderBlock2D / AttnUpDecoderBlock2D. */
  down_block_types: readonly string[];
  up_block_types: readonly string[];
  layers_per_block: number;
  latent_channels?: number; // 4
  norm_num_groups?: number; // 32
  act_fn?: string; // silu
  /** Latents are multiplied by it behind the encoder, so that they have about unit variance. Not applied by encode/decode. */
  scaling_factor?: number; // 0.18215
  /** Subtracted from latents before they are multiplied (SD3, Flux). */
  shift_factor?: number | null; // null
  /** Subtracted from latents, channel by channel, ... */
  latents_mean?: readonly number[] | null; // null
  /** ... and what they are divided by before they are multiplied (some autoencoders for SDXL). */
  latents_std?: readonly number[] | null; // null
  use_quant_conv?: boolean; // true
  use_post_quant_conv?: boolean; // true
  /** Attention in the middle blocks. */
  mid_block_add_attention?: boolean; // true
}

export const SHARED_KEYS = {
  in_channels: WIDTH,
  out_channels: WIDTH,
  block_out_channels: listOf(WIDTH, MAX_LEVELS),
  down_block_types: BLOCK_TYPES,
  layers_per_block: LAYER_COUNT,
  latent_channels: WIDTH,
  scaling_factor: number(1e-9, 1e9),
};
export const INERT = {
  sample_size: 'the size that tiles begin at, which are not used',
  force_upcast: 'everything is computed in single precision',
};
const channelValues = (rule: ValueRule): ValueRule => orNull(listOf(rule, 65536));

/** diffusers' `AutoencoderKL`. */
export const AUTOENCODER_SCHEMA: ConfigSchema = {
  model: 'AutoencoderKL',
  keys: {
    ...SHARED_KEYS,
    up_block_types: BLOCK_TYPES,
    norm_num_groups: WIDTH,
    act_fn: ACTIVATION,
    shift_factor: orNull(number(-1e9, 1e9)),
    latents_mean: channelValues(number(-1e9, 1e9)),
    latents_std: channelValues(number(1e-9, 1e9)),
    use_quant_conv: FLAG,
    use_post_quant_conv: FLAG,
    mid_block_add_attention: FLAG,
  },
  inert: INERT,
};

/** diffusers' `AutoencoderKLTemporalDecoder`. */
export const VIDEO_AUTOENCODER_SCHEMA: ConfigSchema = { model: 'AutoencoderKLTemporalDecoder', keys: SHARED_KEYS, inert: INERT };

/** diffusers' defaults of what a config.json may leave out. */
export const DEFAULTS = {
  block_out_channels: [64],
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  layers_per_block: 1,
};

/** All group norms of the autoencoder, but those across frames. */
const EPS = 1e-6;
const TEMPORAL_EPS = 1e-5;
/** Hard-coded in diffusers' temporal decoder. */
const TEMPORAL_GROUPS = 32;
/** Residual blocks that a config may ask for: Stable Diffusion's has 20. */
const MAX_RESNETS = 1024;
/** diffusers' DiagonalGaussianDistribution keeps the log variance in this range. */
const LOGVAR_MIN = -30;
const LOGVAR_MAX = 20;

interface BlockOptions {
  groups: number;
  activation: Activation;
  /** Residual blocks that see the frames of a video. */
  video: boolean;
}

/** A network's shape. */
interface Shape extends BlockOptions {
  widths: readonly number[];
  layers: number;
  /** Whether a level has attention behind each of its residual blocks, in the order that they run. */
  attentions: readonly boolean[];
  midAttention: boolean;
}

type Residual = ResnetBlock2D | SpatioTemporalResBlock;

function resnets(count: number, inChannels: number, outChannels: number, { groups, activation, video }: BlockOptions): Residual[] {
  const options = { tembChannels: null, groups, eps: EPS, activation };
  const temporal = { temporalEps: TEMPORAL_EPS, initialMix: 0, temporalFirst: true };
  return Array.from({ length: count }, (_, i) => {
    const width = i === 0 ? inChannels : outChannels;
    return video
      ? new SpatioTemporalResBlock(width, outChannels, { ...options, ...temporal })
      : new ResnetBlock2D(width, outChannels, options);
  });
}

/** Attention of one head behind each of so many residual blocks, or none. */
const attentionsOf = (count: number, channels: number, groups: number): SpatialAttention[] =>
  Array.from({ length: count }, () => new SpatialAttention(channels, { groups, eps: EPS }));

/** One level of either network: residual blocks, each with attention or none, and what changes the size. */
abstract class LevelBlock extends Module {
  attentions: SpatialAttention[];
  resnets: Residual[];

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; attention: boolean }) {
    super();
    this.attentions = attentionsOf(options.attention ? options.layers : 0, outChannels, options.groups);
    this.resnets = resnets(options.layers, inChannels, outChannels, options);
  }

  protected runLayers(x: tf.Tensor, frames: number): tf.Tensor {
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.forward(x, null, frames);
      x = this.attentions[i]?.forward(x) ?? x;
    }
    return x;
  }
}

class EncoderBlock extends LevelBlock {
  downsamplers: [Downsample2D] | null;

  constructor(
    inChannels: number,
    outChannels: number,
    options: BlockOptions & { layers: number; attention: boolean; downsample: boolean },
  ) {
    super(inChannels, outChannels, options);
    this.downsamplers = options.downsample ? [new Downsample2D(outChannels, outChannels, 0)] : null;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const h = this.runLayers(x, 1);
    return this.downsamplers?.[0].forward(h) ?? h;
  }
}

class DecoderBlock extends LevelBlock {
  upsamplers: [Upsample2D] | null;

  constructor(inChannels: number, outChannels: number, options: BlockOptions & { layers: number; attention: boolean; upsample: boolean }) {
    super(inChannels, outChannels, options);
    this.upsamplers = options.upsample ? [new Upsample2D(outChannels)] : null;
  }

  forward(x: tf.Tensor, frames: number): tf.Tensor {
    const h = this.runLayers(x, frames);
    return this.upsamplers?.[0].forward(h) ?? h;
  }
}

class MidBlock extends Module {
  attentions: SpatialAttention[];
  resnets: Residual[];

  /** @param count residual blocks: 2, but in a temporal decoder as many as its layers, of which it runs at most two (as diffusers' does) */
  constructor(channels: number, options: BlockOptions, attention: boolean, count = 2) {
    super();
    this.attentions = attentionsOf(attention ? 1 : 0, channels, options.groups);
    this.resnets = resnets(count, channels, channels, options);
  }

  forward(x: tf.Tensor, frames: number): tf.Tensor {
    const [first, second] = this.resnets as [Residual, Residual | undefined];
    const h = first.forward(x, null, frames);
    return second === undefined ? h : second.forward(this.attentions[0]?.forward(h) ?? h, null, frames);
  }
}

/** `x: [N, K, H, W]` to `[N, C, H/f, W/f]`. */
export class Encoder extends Module {
  conv_in: Conv2d;
  down_blocks: EncoderBlock[];
  mid_block: MidBlock;
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(inChannels: number, outChannels: number, shape: Shape) {
    super();
    const { widths, layers, groups, attentions } = shape;
    const first = widths[0] as number;
    const last = widths.at(-1) as number;
    this.conv_in = new Conv2d(inChannels, first, 3, { padding: 1 });
    this.down_blocks = widths.map(
      (width, i) =>
        new EncoderBlock(widths[i - 1] ?? first, width, {
          ...shape,
          layers,
          attention: attentions[i] as boolean,
          downsample: i < widths.length - 1,
        }),
    );
    this.mid_block = new MidBlock(last, shape, shape.midAttention);
    this.conv_norm_out = new GroupNorm(groups, last, EPS);
    this.conv_out = new Conv2d(last, outChannels, 3, { padding: 1 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    let h = this.conv_in.forward(x);
    for (const block of this.down_blocks) h = block.forward(h);
    // SiLU whatever the blocks' activation is, in the decoder too: diffusers has it fixed.
    return this.conv_out.forward(this.conv_norm_out.forward(this.mid_block.forward(h, 1), { silu: true }));
  }
}

/** `z: [N, C, h, w]` to `[N, K, f h, f w]`. */
export class Decoder extends Module {
  conv_in: Conv2d;
  mid_block: MidBlock;
  up_blocks: DecoderBlock[];
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(inChannels: number, outChannels: number, shape: Shape) {
    super();
    const { widths, layers, groups, attentions, video } = shape;
    const first = widths[0] as number;
    const last = widths.at(-1) as number;
    this.conv_in = new Conv2d(inChannels, last, 3, { padding: 1 });
    this.mid_block = new MidBlock(last, shape, shape.midAttention, video ? layers : 2);
    this.up_blocks = widths.toReversed().map(
      (width, i, reversed) =>
        new DecoderBlock(reversed[i - 1] ?? last, width, {
          ...shape,
          layers: layers + 1,
          attention: attentions[i] as boolean,
          upsample: i < widths.length - 1,
        }),
    );
    this.conv_norm_out = new GroupNorm(groups, first, EPS);
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

  constructor(inChannels: number, outChannels: number, shape: Shape) {
    super(inChannels, outChannels, shape);
    this.time_conv_out = new TemporalConv(outChannels, outChannels);
  }

  override forward(z: tf.Tensor, frames: number): tf.Tensor {
    return this.time_conv_out.overFrames(super.forward(z, frames), frames);
  }
}

/** How the model's latents are made of the encoder's: `((z - mean) / deviation - shift) * scale`, the first two per channel. */
interface LatentScale {
  scale: number;
  shift: number;
  mean: readonly number[] | null;
  deviation: readonly number[] | null;
}

/** What the autoencoders of images and videos share: images in, latents out. */
abstract class Autoencoder extends Module {
  encoder: Encoder;
  quant_conv: Conv2d | null;
  readonly scalingFactor: number;
  /** Pixels per latent along a side: 8 for Stable Diffusion. */
  readonly factor: number;
  readonly latentChannels: number;
  readonly #latents: LatentScale;

  constructor(config: Pick<AutoencoderKLConfig, 'in_channels' | 'latent_channels' | 'use_quant_conv'>, shape: Shape, latents: LatentScale) {
    super();
    const { latent_channels: latent = 4 } = config;
    this.encoder = new Encoder(config.in_channels ?? 3, latent * 2, shape);
    this.quant_conv = (config.use_quant_conv ?? true) ? new Conv2d(latent * 2, latent * 2, 1) : null;
    this.scalingFactor = latents.scale;
    this.factor = 2 ** (shape.widths.length - 1);
    this.latentChannels = latent;
    this.#latents = latents;
  }

  /**
   * The posterior of images `x: [N, 3, H, W]` in [-1, 1]: `mean` and `logvar`, each `[N, C, H/f, W/f]`, before scaling.
   * A latent is `scaled(mean + exp(logvar / 2) * noise)`.
   */
  encode(x: tf.Tensor): { mean: tf.Tensor; logvar: tf.Tensor } {
    const encoded = this.encoder.forward(x);
    const [mean, logvar] = tf.split(this.quant_conv?.forward(encoded) ?? encoded, 2, 1) as [tf.Tensor, tf.Tensor];
    return { mean, logvar: tf.clipByValue(logvar, LOGVAR_MIN, LOGVAR_MAX) };
  }

  /** What the denoiser sees of the encoder's `z: [N, C, h, w]`. */
  scaled(z: tf.Tensor): tf.Tensor {
    const { scale, shift, mean, deviation } = this.#latents;
    let latent = mean ? tf.sub(z, perChannel(mean)) : z;
    if (deviation) latent = tf.div(latent, perChannel(deviation));
    return tf.mul(shift === 0 ? latent : tf.sub(latent, shift), scale);
  }

  /** What the decoder sees of the denoiser's `latent: [N, C, h, w]`. */
  unscaled(latent: tf.Tensor): tf.Tensor {
    const { scale, shift, mean, deviation } = this.#latents;
    let z: tf.Tensor = tf.div(latent, scale);
    if (shift !== 0) z = tf.add(z, shift);
    if (deviation) z = tf.mul(z, perChannel(deviation));
    return mean ? tf.add(z, perChannel(mean)) : z;
  }
}

const perChannel = (values: readonly number[]): tf.Tensor => tf.tensor4d([...values], [1, values.length, 1, 1]);

/** Which levels have attention. @throws CoreBlocksError invalid-config unless every level has one block of a type there is. */
function attentionLevels(model: string, key: string, levels: number, types: readonly string[], known: readonly string[]): boolean[] {
  const only = known[0] as string;
  if (types.length !== levels || types.some((type) => !known.includes(type)))
    refuseConfig(
      model,
      `${key}: expected one ${known.join(' or ')} for each of the ${levels} levels of block_out_channels, got [${types.join(', ')}]`,
      { levels, types },
    );
  return types.map((type) => type !== only);
}

/** @throws CoreBlocksError invalid-config for widths that groups do not divide, or more residual blocks than any autoencoder has */
function checkShape(model: string, { widths, layers, groups }: Shape): void {
  const odd = widths.find((width) => width % groups !== 0);
  if (odd !== undefined)
    refuseConfig(model, `block_out_channels: ${odd} channels must be divisible by norm_num_groups (${groups})`, { widths, groups });
  if (widths.length * layers > MAX_RESNETS)
    refuseConfig(model, `layers_per_block: ${layers} at ${widths.length} levels; at most ${MAX_RESNETS} residual blocks are built`, {
      layers,
    });
}

/** @throws CoreBlocksError invalid-config for statistics of another number of channels */
function latentScale(model: string, config: AutoencoderKLConfig): LatentScale {
  const channels = config.latent_channels ?? 4;
  const { latents_mean: mean = null, latents_std: deviation = null } = config;
  for (const [key, values] of Object.entries({ latents_mean: mean, latents_std: deviation }))
    if (values !== null && values.length !== channels)
      refuseConfig(model, `${key}: expected ${channels} numbers (latent_channels), got ${values.length}`, { key });
  if ((mean === null) !== (deviation === null))
    refuseConfig(model, 'latents_mean and latents_std: expected both or neither', { mean, deviation });
  return { scale: config.scaling_factor ?? 0.18215, shift: config.shift_factor ?? 0, mean, deviation };
}

/** What a config states. */
export const stated = <T extends object>(config: T): T =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as T;

/** The shapes of an image autoencoder's two networks. @throws CoreBlocksError invalid-config naming what is not built */
export function imageShapes(
  model: string,
  config: Pick<
    AutoencoderKLConfig,
    | 'block_out_channels'
    | 'down_block_types'
    | 'up_block_types'
    | 'layers_per_block'
    | 'norm_num_groups'
    | 'act_fn'
    | 'mid_block_add_attention'
  >,
): { encoder: Shape; decoder: Shape } {
  const { block_out_channels: widths, down_block_types: down, up_block_types: up } = config;
  const levels = (key: string, types: readonly string[], known: readonly string[]) =>
    attentionLevels(model, key, widths.length, types, known);
  const encoder: Shape = {
    widths,
    layers: config.layers_per_block,
    groups: config.norm_num_groups ?? 32,
    activation: activationNamed(model, 'act_fn', config.act_fn ?? 'silu'),
    video: false,
    attentions: levels('down_block_types', down, ['DownEncoderBlock2D', 'AttnDownEncoderBlock2D']),
    midAttention: config.mid_block_add_attention ?? true,
  };
  checkShape(model, encoder);
  return { encoder, decoder: { ...encoder, attentions: levels('up_block_types', up, ['UpDecoderBlock2D', 'AttnUpDecoderBlock2D']) } };
}

/** The variational autoencoder between pixels and latents. Source: diffusers `AutoencoderKL`. */
export class AutoencoderKL extends Autoencoder {
  decoder: Decoder;
  post_quant_conv: Conv2d | null;

  /** @throws CoreBlocksError invalid-config naming what of the config is not built */
  constructor(given: AutoencoderKLConfig) {
    checkConfig(given, AUTOENCODER_SCHEMA);
    const { model } = AUTOENCODER_SCHEMA;
    const config: AutoencoderKLConfig = { ...DEFAULTS, ...stated(given) };
    const shapes = imageShapes(model, config);
    super(config, shapes.encoder, latentScale(model, config));
    this.decoder = new Decoder(this.latentChannels, config.out_channels ?? 3, shapes.decoder);
    this.post_quant_conv = (config.use_post_quant_conv ?? true) ? new Conv2d(this.latentChannels, this.latentChannels, 1) : null;
  }

  /** Images `[N, 3, H, W]`, about in [-1, 1], of the encoder's latents `z: [N, C, h, w]` (see `unscaled`). */
  decode(z: tf.Tensor): tf.Tensor {
    return this.decoder.forward(this.post_quant_conv?.forward(z) ?? z, 1);
  }
}

/** Config of a video autoencoder. Keys and defaults are diffusers', so a published config.json fits. */
export interface AutoencoderKLTemporalDecoderConfig {
  in_channels?: number; // 3
  out_channels?: number; // 3
  block_out_channels: readonly number[];
  /** One DownEncoderBlock2D or AttnDownEncoderBlock2D per level. */
  down_block_types: readonly string[];
  layers_per_block: number;
  latent_channels?: number; // 4
  scaling_factor?: number; // 0.18215
}

/**
 * Stable Video Diffusion's autoencoder: encodes single images, decodes frames together. Source: diffusers `AutoencoderKLTemporalDecoder`.
 */
export class AutoencoderKLTemporalDecoder extends Autoencoder {
  decoder: TemporalDecoder;

  /** @throws CoreBlocksError invalid-config naming what of the config is not built */
  constructor(given: AutoencoderKLTemporalDecoderConfig) {
    checkConfig(given, VIDEO_AUTOENCODER_SCHEMA);
    const { model } = VIDEO_AUTOENCODER_SCHEMA;
    const config: AutoencoderKLTemporalDecoderConfig = { ...DEFAULTS, ...stated(given) };
    const { block_out_channels: widths, down_block_types: down } = config;
    const shape: Shape = {
      widths,
      layers: config.layers_per_block,
      groups: TEMPORAL_GROUPS,
      activation: 'silu',
      video: false,
      attentions: attentionLevels(model, 'down_block_types', widths.length, down, ['DownEncoderBlock2D', 'AttnDownEncoderBlock2D']),
      midAttention: true,
    };
    checkShape(model, shape);
    super(config, shape, { scale: config.scaling_factor ?? 0.18215, shift: 0, mean: null, deviation: null });
    const decoder = { ...shape, video: true, attentions: widths.map(() => false) };
    this.decoder = new TemporalDecoder(this.latentChannels, config.out_channels ?? 3, decoder);
  }

  /** Frames `[B F, 3, H, W]`, about in [-1, 1], of the encoder's latents `z: [B F, C, h, w]`; the frames of a video follow each other. */
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
