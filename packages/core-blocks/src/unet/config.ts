import { checkConfig, perLevel } from '../config.ts';
import { CoreBlocksError } from '../errors.ts';
import type { AttentionOptions } from './blocks.ts';

/** What a U-Net and the ControlNet that copies its encoder have in common. Keys and defaults are diffusers'. */
export interface UNetEncoderConfig {
  in_channels?: number; // 4
  block_out_channels: readonly number[];
  /** Per level: CrossAttnDownBlock2D or DownBlock2D. */
  down_block_types: readonly string[];
  layers_per_block: number;
  /** NUMBER of attention heads, one or per level (the name is diffusers' historical mistake). */
  attention_head_dim: number | readonly number[];
  cross_attention_dim: number;
  transformer_layers_per_block?: number | readonly number[]; // 1
  use_linear_projection?: boolean; // false
  norm_num_groups?: number; // 32
  norm_eps?: number; // 1e-5
  flip_sin_to_cos?: boolean; // true
  freq_shift?: number; // 0
  /** `text_time` (SDXL): a pooled text embedding and size conditions are added to the time embedding. */
  addition_embed_type?: string | null; // null
  /** Width of the sinusoidal embedding of one size condition. */
  addition_time_embed_dim?: number | null;
  /** Pooled text width plus all sinusoidal embeddings. */
  projection_class_embeddings_input_dim?: number | null;
}

const ENCODER_KEYS = [
  'in_channels',
  'block_out_channels',
  'down_block_types',
  'layers_per_block',
  'attention_head_dim',
  'cross_attention_dim',
  'transformer_layers_per_block',
  'use_linear_projection',
  'norm_num_groups',
  'norm_eps',
  'flip_sin_to_cos',
  'freq_shift',
  'addition_embed_type',
  'addition_time_embed_dim',
  'projection_class_embeddings_input_dim',
];

/** Values of diffusers' other keys that describe the U-Nets built here. */
const FIXED_KEYS = {
  act_fn: 'silu',
  center_input_sample: false,
  downsample_padding: 1,
  mid_block_scale_factor: 1,
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  resnet_time_scale_shift: 'default',
  time_embedding_type: 'positional',
  conv_in_kernel: 3,
  conv_out_kernel: 3,
  attention_type: 'default',
  resnet_out_scale_factor: 1,
  controlnet_conditioning_channel_order: 'rgb',
};

/** The encoder of a video U-Net (SVD). Keys and defaults are diffusers'. */
export interface SpatioTemporalEncoderConfig {
  in_channels?: number; // 8
  block_out_channels: readonly number[];
  /** Per level: CrossAttnDownBlockSpatioTemporal or DownBlockSpatioTemporal. */
  down_block_types: readonly string[];
  layers_per_block: number;
  num_attention_heads: number | readonly number[];
  cross_attention_dim: number;
  transformer_layers_per_block?: number | readonly number[]; // 1
  addition_time_embed_dim: number;
  projection_class_embeddings_input_dim: number;
  /** Frames the weights were trained on; the network takes any number. */
  num_frames?: number;
}

const SPATIO_TEMPORAL_KEYS = [
  'in_channels',
  'block_out_channels',
  'down_block_types',
  'layers_per_block',
  'num_attention_heads',
  'cross_attention_dim',
  'transformer_layers_per_block',
  'addition_time_embed_dim',
  'projection_class_embeddings_input_dim',
  'num_frames',
];

/** diffusers hard-codes them in the spatio-temporal blocks: group norms of 32 groups, and these epsilons. */
const SPATIO_TEMPORAL = { groups: 32, eps: { crossAttnDown: 1e-6, down: 1e-5, mid: 1e-5, up: 1e-6, out: 1e-5 } };

/** One level of the encoder, with every default and per-level list resolved. */
export interface Level {
  channels: number;
  attention: AttentionOptions | null;
  /** Epsilon of the group norms of the level's residual blocks on the way down. */
  eps: number;
}

/** The encoder of a U-Net with defaults filled in. */
export interface ResolvedEncoder {
  /** The class it was resolved for, for messages. */
  model: string;
  /** Layers that see the frames of a video, or layers of single images. */
  video: boolean;
  inChannels: number;
  timeEmbedDim: number;
  /** The embedding added to that of the time step: sinusoids of `timeDim` per number, and `inputDim` numbers in all. */
  addition: { timeDim: number; inputDim: number; text: boolean } | null;
  levels: Level[];
  /** The middle block's transformer (always there, also where the lowest level has none). */
  midAttention: AttentionOptions;
  layersPerBlock: number;
  groups: number;
  /** Epsilons behind the encoder's levels. */
  eps: { mid: number; up: number; out: number };
  flipSinToCos: boolean;
  freqShift: number;
}

const blockTypes = (video: boolean) => (video ? 'BlockSpatioTemporal' : 'Block2D');

/** Fills in defaults and checks an encoder's config. @throws CoreBlocksError invalid-config naming the key. */
export function resolveEncoder(model: string, config: UNetEncoderConfig, otherKeys: readonly string[]): ResolvedEncoder {
  checkConfig(config, { model, keys: [...ENCODER_KEYS, ...otherKeys], fixed: FIXED_KEYS });
  const groups = config.norm_num_groups ?? 32;
  const eps = config.norm_eps ?? 1e-5;
  return {
    ...resolveLevels(model, config, {
      heads: perLevel('attention_head_dim', config.attention_head_dim, config.block_out_channels.length),
      linearProjection: config.use_linear_projection ?? false,
      groups,
      video: false,
      eps: () => eps,
    }),
    inChannels: config.in_channels ?? 4,
    addition: resolveAddition(model, config),
    eps: { mid: eps, up: eps, out: eps },
    flipSinToCos: config.flip_sin_to_cos ?? true,
    freqShift: config.freq_shift ?? 0,
  };
}

/** Like {@link resolveEncoder}, for a video U-Net. */
export function resolveSpatioTemporalEncoder(
  model: string,
  config: SpatioTemporalEncoderConfig,
  otherKeys: readonly string[],
): ResolvedEncoder {
  checkConfig(config, { model, keys: [...SPATIO_TEMPORAL_KEYS, ...otherKeys] });
  const { groups, eps } = SPATIO_TEMPORAL;
  return {
    ...resolveLevels(model, config, {
      heads: perLevel('num_attention_heads', config.num_attention_heads, config.block_out_channels.length),
      linearProjection: true,
      groups,
      video: true,
      eps: (attention) => (attention ? eps.crossAttnDown : eps.down),
    }),
    inChannels: config.in_channels ?? 8,
    addition: { timeDim: config.addition_time_embed_dim, inputDim: config.projection_class_embeddings_input_dim, text: false },
    eps: { mid: eps.mid, up: eps.up, out: eps.out },
    flipSinToCos: true,
    freqShift: 0,
  };
}

function resolveAddition(model: string, config: UNetEncoderConfig): ResolvedEncoder['addition'] {
  const { addition_embed_type: type, addition_time_embed_dim: timeDim, projection_class_embeddings_input_dim: inputDim } = config;
  if (type === null || type === undefined) return null;
  if (type !== 'text_time')
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: addition_embed_type: only "text_time" is implemented, got ${JSON.stringify(type)}`,
      { addition_embed_type: type },
    );
  if (!timeDim || !inputDim)
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: addition_embed_type text_time needs addition_time_embed_dim and projection_class_embeddings_input_dim`,
      { config },
    );
  return { timeDim, inputDim, text: true };
}

function resolveLevels(
  model: string,
  config: UNetEncoderConfig | SpatioTemporalEncoderConfig,
  options: { heads: readonly number[]; linearProjection: boolean; groups: number; video: boolean; eps: (attention: boolean) => number },
): Pick<ResolvedEncoder, 'model' | 'video' | 'timeEmbedDim' | 'levels' | 'midAttention' | 'layersPerBlock' | 'groups'> {
  const { heads, linearProjection, groups, video } = options;
  const channels = config.block_out_channels;
  const count = channels.length;
  if (count === 0 || config.down_block_types.length !== count) {
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: block_out_channels and down_block_types must name the same levels, got ${count} and ${config.down_block_types.length}`,
      { config },
    );
  }
  const layers = perLevel('transformer_layers_per_block', config.transformer_layers_per_block ?? 1, count);
  const attentionAt = (i: number): AttentionOptions => ({
    heads: heads[i] as number,
    contextChannels: config.cross_attention_dim,
    layers: layers[i] as number,
    linearProjection,
  });
  const [plain, crossed] = [`Down${blockTypes(video)}`, `CrossAttnDown${blockTypes(video)}`];
  const levels = channels.map((width, i) => {
    const type = config.down_block_types[i];
    if (type !== crossed && type !== plain)
      throw new CoreBlocksError('invalid-config', `${model}: down_block_types[${i}] must be ${crossed} or ${plain}, got "${type}"`, {
        type,
      });
    if (width % groups !== 0 || width % (heads[i] as number) !== 0) {
      throw new CoreBlocksError(
        'invalid-config',
        `${model}: ${width} channels of level ${i} must be divisible by norm_num_groups (${groups}) and by the number of heads (${heads[i]})`,
        { width, groups, heads: heads[i] },
      );
    }
    return { channels: width, attention: type === crossed ? attentionAt(i) : null, eps: options.eps(type === crossed) };
  });
  return {
    model,
    video,
    timeEmbedDim: (channels[0] as number) * 4,
    levels,
    midAttention: attentionAt(count - 1),
    layersPerBlock: config.layers_per_block,
    groups,
  };
}

/** @throws CoreBlocksError invalid-config unless the decoder's levels are the encoder's, in reverse. */
export function checkUpBlockTypes({ model, levels, video }: ResolvedEncoder, types: readonly string[]): void {
  const expected = levels.map(({ attention }) => `${attention ? 'CrossAttn' : ''}Up${blockTypes(video)}`).reverse();
  if (expected.join() !== types.join()) {
    throw new CoreBlocksError(
      'invalid-config',
      `${model}: up_block_types must mirror down_block_types: expected [${expected.join(', ')}], got [${types.join(', ')}]`,
      { types },
    );
  }
}

/**
 * Width and downsampling (1, 2, 4, ...) of every state that the encoder hands to the skips, in order: conv_in, then per level
 * each layer and its downsampler. Twelve for SD1.5: 320 x3 at 1, 320 at 2, 640 x2 at 2, 640 at 4, ...
 * A side of n pixels has ceil(n / factor) there.
 */
export function encoderStates({ levels, layersPerBlock }: ResolvedEncoder): { channels: number; factor: number }[] {
  const states = [{ channels: levels[0]?.channels as number, factor: 1 }];
  for (const [i, { channels }] of levels.entries()) {
    for (let layer = 0; layer < layersPerBlock; layer++) states.push({ channels, factor: 2 ** i });
    if (i < levels.length - 1) states.push({ channels, factor: 2 ** (i + 1) });
  }
  return states;
}
