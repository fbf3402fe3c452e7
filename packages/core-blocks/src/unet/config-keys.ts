import { type ConfigSchema } from '../config.ts';
import {
  ACTIVATION,
  BLOCK_TYPES,
  EPSILON,
  FLAG,
  LAYER_COUNT,
  MAX_LEVELS,
  TRANSFORMER_DEPTH,
  WIDTH,
  listOf,
  number,
  oneOf,
  oneOrList,
  orNull,
  whole,
  type ValueRule,
} from '../config-rules.ts';

/** What a U-Net and the ControlNet that copies its encoder have in common. Keys and defaults are diffusers'. */
export interface UNetEncoderConfig {
  in_channels?: number; // 4
  block_out_channels: readonly number[];
  /** Per level: CrossAttnDownBlock2D, DownBlock2D, or another of {@link DOWN_BLOCKS}. */
  down_block_types: readonly string[];
  layers_per_block: number | readonly number[];
  /**
   * NUMBER of attention heads, one or per level (the name is diffusers' historical mistake); channels of a head in AttnDownBlock2D and the
   * SimpleCrossAttn blocks.
   */
  attention_head_dim: number | readonly number[];
  cross_attention_dim: number | readonly number[];
  transformer_layers_per_block?: number | readonly (number | readonly number[])[]; // 1
  use_linear_projection?: boolean; // false
  norm_num_groups?: number; // 32
  norm_eps?: number; // 1e-5
  flip_sin_to_cos?: boolean; // true
  freq_shift?: number; // 0
  act_fn?: string; // silu
  downsample_padding?: number; // 1
  /** Acts in training alone: what predicts is as after eval(), and a base of some dropout is refused where it trains too. */
  dropout?: number; // 0
  mid_block_type?: string | null; // UNetMidBlock2DCrossAttn
  mid_block_scale_factor?: number; // 1
  only_cross_attention?: boolean | readonly boolean[]; // false
  /** `scale_shift`: the time embedding scales the residual blocks, and shifts them. */
  resnet_time_scale_shift?: string; // default
  class_embed_type?: string | null; // null
  num_class_embeds?: number | null; // null
  /** Width of the text where it is projected to cross_attention_dim. */
  encoder_hid_dim?: number | null; // null
  encoder_hid_dim_type?: string | null; // null
  /** `text_time` (SDXL): a pooled text embedding and size conditions are added to the time embedding. */
  addition_embed_type?: string | null; // null
  addition_embed_type_num_heads?: number; // 64
  /** Width of the sinusoidal embedding of one size condition. */
  addition_time_embed_dim?: number | null;
  /** Pooled text width plus all sinusoidal embeddings. */
  projection_class_embeddings_input_dim?: number | null;
}

/** What the U-Net's own constructor adds. Keys and defaults are diffusers'. */
export interface UNetOnlyConfig {
  center_input_sample?: boolean; // false
  reverse_transformer_layers_per_block?: readonly (number | readonly number[])[] | null; // null
  resnet_skip_time_act?: boolean; // false
  resnet_out_scale_factor?: number; // 1
  time_embedding_type?: string; // positional
  time_embedding_dim?: number | null; // four times the first width
  time_embedding_act_fn?: string | null; // null
  timestep_post_act?: string | null; // null
  time_cond_proj_dim?: number | null; // null
  conv_in_kernel?: number; // 3
  conv_out_kernel?: number; // 3
  class_embeddings_concat?: boolean; // false
  mid_block_only_cross_attention?: boolean | null; // as only_cross_attention
  cross_attention_norm?: string | null; // null
}

/** The encoder of a video U-Net (SVD). Keys and defaults are diffusers'. */
export interface SpatioTemporalEncoderConfig {
  in_channels?: number; // 8
  block_out_channels: readonly number[];
  /** Per level: CrossAttnDownBlockSpatioTemporal or DownBlockSpatioTemporal. */
  down_block_types: readonly string[];
  layers_per_block: number | readonly number[];
  num_attention_heads: number | readonly number[];
  cross_attention_dim: number | readonly number[];
  transformer_layers_per_block?: number | readonly number[]; // 1
  addition_time_embed_dim: number;
  projection_class_embeddings_input_dim: number;
  /** Frames the weights were trained on; the network takes any number. */
  num_frames?: number;
}

const perLevel = (rule: ValueRule): ValueRule => oneOrList(rule, MAX_LEVELS);
const transformerDepth = oneOrList(TRANSFORMER_DEPTH, 129);
const scale = number(1e-6, 1e6);
const odd: ValueRule = {
  expected: 'an odd whole number from 1 to 31',
  accepts: (value) => whole(1, 31).accepts(value) && (value as number) % 2 === 1,
};

const SHAPE_KEYS = {
  in_channels: WIDTH,
  block_out_channels: listOf(WIDTH, MAX_LEVELS),
  down_block_types: BLOCK_TYPES,
  layers_per_block: perLevel(LAYER_COUNT),
  cross_attention_dim: perLevel(WIDTH),
};

/** What U-Net and ControlNet read. */
export const ENCODER_KEYS: Readonly<Record<keyof UNetEncoderConfig, ValueRule>> = {
  ...SHAPE_KEYS,
  attention_head_dim: perLevel(WIDTH),
  transformer_layers_per_block: oneOrList(transformerDepth, MAX_LEVELS),
  use_linear_projection: FLAG,
  norm_num_groups: WIDTH,
  norm_eps: EPSILON,
  flip_sin_to_cos: FLAG,
  freq_shift: number(-1000, 1000),
  act_fn: ACTIVATION,
  downsample_padding: whole(0, 1),
  dropout: number(0, 1),
  mid_block_type: oneOf('UNetMidBlock2DCrossAttn', 'UNetMidBlock2D', 'UNetMidBlock2DSimpleCrossAttn', null),
  mid_block_scale_factor: scale,
  only_cross_attention: perLevel(FLAG),
  resnet_time_scale_shift: oneOf('default', 'scale_shift'),
  class_embed_type: oneOf(null, 'timestep', 'identity', 'projection', 'simple_projection'),
  num_class_embeds: orNull(whole(1, 1e6)),
  encoder_hid_dim: orNull(WIDTH),
  encoder_hid_dim_type: oneOf(null, 'text_proj', 'text_image_proj', 'image_proj'),
  addition_embed_type: oneOf(null, 'text', 'text_image', 'text_time', 'image'),
  addition_embed_type_num_heads: WIDTH,
  addition_time_embed_dim: orNull(WIDTH),
  projection_class_embeddings_input_dim: orNull(WIDTH),
};

const DECODER_KEYS = { out_channels: WIDTH, up_block_types: BLOCK_TYPES };

const UNET_ONLY_KEYS: Readonly<Record<keyof UNetOnlyConfig, ValueRule>> = {
  center_input_sample: FLAG,
  reverse_transformer_layers_per_block: orNull(listOf(transformerDepth, MAX_LEVELS)),
  resnet_skip_time_act: FLAG,
  resnet_out_scale_factor: scale,
  time_embedding_type: oneOf('positional', 'fourier'),
  time_embedding_dim: orNull(WIDTH),
  time_embedding_act_fn: orNull(ACTIVATION),
  timestep_post_act: orNull(ACTIVATION),
  time_cond_proj_dim: orNull(WIDTH),
  conv_in_kernel: odd,
  conv_out_kernel: odd,
  class_embeddings_concat: FLAG,
  mid_block_only_cross_attention: orNull(FLAG),
  cross_attention_norm: oneOf(null, 'layer_norm', 'group_norm'),
};

/** Keys that cannot change a network in single precision. */
export const INERT_KEYS = {
  sample_size: 'the size that a network was trained at; it takes any',
  upcast_attention: 'everything is computed in single precision',
};

const REFUSED_KEYS = {
  attention_type: { only: 'default', instead: 'GLIGEN: gated attention over boxes and their texts' },
};
const NAMING = 'its heads are named by attention_head_dim, a historical mistake that diffusers refuses to mend as well';

/** diffusers' `UNet2DConditionModel`. */
export const UNET_SCHEMA: ConfigSchema = {
  model: 'UNet2DConditionModel',
  keys: { ...ENCODER_KEYS, ...DECODER_KEYS, ...UNET_ONLY_KEYS },
  inert: INERT_KEYS,
  fixed: {
    ...REFUSED_KEYS,
    num_attention_heads: { only: null, instead: NAMING },
    dual_cross_attention: { only: false, instead: 'Versatile Diffusion: two transformers, of text and of an image' },
  },
};

/** diffusers' `UNetSpatioTemporalConditionModel`, but for the decoder's keys. */
export const SPATIO_TEMPORAL_KEYS: Readonly<Record<keyof SpatioTemporalEncoderConfig, ValueRule>> = {
  ...SHAPE_KEYS,
  num_attention_heads: perLevel(WIDTH),
  transformer_layers_per_block: perLevel(LAYER_COUNT),
  addition_time_embed_dim: WIDTH,
  projection_class_embeddings_input_dim: WIDTH,
  num_frames: whole(1, 1e6),
};

/** diffusers' `UNetSpatioTemporalConditionModel`. */
export const VIDEO_UNET_SCHEMA: ConfigSchema = {
  model: 'UNetSpatioTemporalConditionModel',
  keys: { ...SPATIO_TEMPORAL_KEYS, ...DECODER_KEYS },
  inert: { sample_size: INERT_KEYS.sample_size },
};
