import { checkConfig, perLevel } from './config.ts';
import { CoreBlocksError } from './error.ts';
import type { AttentionOptions } from './unet-blocks.ts';

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
}

export const UNET_ENCODER_KEYS = ['in_channels', 'block_out_channels', 'down_block_types', 'layers_per_block', 'attention_head_dim', 'cross_attention_dim', 'transformer_layers_per_block', 'use_linear_projection', 'norm_num_groups', 'norm_eps', 'flip_sin_to_cos', 'freq_shift'] as const;

/** Values of diffusers' other keys that describe the U-Nets built here. */
export const UNET_FIXED_KEYS = {
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
} as const;

/** One level of the encoder, with every default and per-level list resolved. */
export interface Level {
  channels: number;
  attention: AttentionOptions | null;
}

/** The encoder of a U-Net with defaults filled in. */
export interface ResolvedEncoder {
  inChannels: number;
  timeEmbedDim: number;
  levels: Level[];
  /** The middle block's transformer (always there, also where the lowest level has none). */
  midAttention: AttentionOptions;
  layersPerBlock: number;
  groups: number;
  eps: number;
  flipSinToCos: boolean;
  freqShift: number;
}

/** Fills in defaults and checks an encoder's config. @throws CoreBlocksError invalid-config naming the key. */
export function resolveEncoder(model: string, config: UNetEncoderConfig, otherKeys: readonly string[]): ResolvedEncoder {
  checkConfig(config, { model, keys: [...UNET_ENCODER_KEYS, ...otherKeys], fixed: UNET_FIXED_KEYS });
  const channels = config.block_out_channels;
  const count = channels.length;
  if (count === 0 || config.down_block_types.length !== count) {
    throw new CoreBlocksError('invalid-config', `${model}: block_out_channels and down_block_types must name the same levels, got ${count} and ${config.down_block_types.length}`, { config });
  }
  const heads = perLevel('attention_head_dim', config.attention_head_dim, count);
  const layers = perLevel('transformer_layers_per_block', config.transformer_layers_per_block ?? 1, count);
  const groups = config.norm_num_groups ?? 32;
  const attentionAt = (i: number): AttentionOptions => ({
    heads: heads[i] as number,
    contextChannels: config.cross_attention_dim,
    layers: layers[i] as number,
    linearProjection: config.use_linear_projection ?? false,
  });
  const levels = channels.map((width, i) => {
    const type = config.down_block_types[i];
    if (type !== 'CrossAttnDownBlock2D' && type !== 'DownBlock2D') throw new CoreBlocksError('invalid-config', `${model}: down_block_types[${i}] must be CrossAttnDownBlock2D or DownBlock2D, got "${type}"`, { type });
    if (width % groups !== 0 || width % (heads[i] as number) !== 0) {
      throw new CoreBlocksError('invalid-config', `${model}: ${width} channels of level ${i} must be divisible by norm_num_groups (${groups}) and by the number of heads (${heads[i]})`, { width, groups, heads: heads[i] });
    }
    return { channels: width, attention: type === 'CrossAttnDownBlock2D' ? attentionAt(i) : null };
  });
  return {
    inChannels: config.in_channels ?? 4,
    timeEmbedDim: (channels[0] as number) * 4,
    levels,
    midAttention: attentionAt(count - 1),
    layersPerBlock: config.layers_per_block,
    groups,
    eps: config.norm_eps ?? 1e-5,
    flipSinToCos: config.flip_sin_to_cos ?? true,
    freqShift: config.freq_shift ?? 0,
  };
}

/**
 * Width and downsampling (1, 2, 4, ...) of every state that the encoder hands to the skips, in order: conv_in, then per level
 * each layer and its downsampler. Twelve for SD1.5: 320 x3 at 1, 320 at 2, 640 x2 at 2, 640 at 4, ...
 */
export function encoderStates({ levels, layersPerBlock }: ResolvedEncoder): { channels: number; factor: number }[] {
  const states = [{ channels: levels[0]?.channels as number, factor: 1 }];
  for (const [i, { channels }] of levels.entries()) {
    for (let layer = 0; layer < layersPerBlock; layer++) states.push({ channels, factor: 2 ** i });
    if (i < levels.length - 1) states.push({ channels, factor: 2 ** (i + 1) });
  }
  return states;
}
