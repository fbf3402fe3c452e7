import { checkConfig, refuseConfig, requireKeys, type ConfigSchema } from '../config.ts';
import { ACTIVATION, EPSILON, FLAG, LAYER_COUNT, WIDTH, number, oneOf, orNull, whole } from '../config-rules.ts';
import { activationNamed } from '../layers/activation.ts';
import { Attention, BasicTransformerBlock, Transformer2DModel, type TransformerBlockOptions } from '../layers/attention.ts';
import { FEED_FORWARD_ACTIVATIONS, type FeedForwardActivation } from '../layers/feed-forward.ts';
import { ResnetBlock2D } from '../layers/resnet.ts';
import { Downsample2D, Upsample2D, type ChannelNorm } from '../layers/sampling.ts';
import { SpatioTemporalResBlock, TransformerSpatioTemporalModel } from '../layers/spatio-temporal.ts';
import { TimestepEmbedding } from '../layers/timestep.ts';

/** Keyword arguments of a class of diffusers. */
type Arguments = Readonly<Record<string, unknown>>;

const SCALE = number(1e-6, 1e6);
const DROPOUT = 'dropout acts in training alone, and layers are run as after eval()';
const PRECISION = 'everything is computed in single precision';

/** In place of the default of an argument that has none. */
const REQUIRED = 0;

/** Checks the arguments and fills in defaults. @throws CoreBlocksError invalid-config naming what is missing or not built */
function read<T extends object>(schema: ConfigSchema, given: Arguments, defaults: T): T {
  checkConfig(given, schema);
  const required = Object.entries(defaults).flatMap(([key, value]) => (value === REQUIRED ? [key] : []));
  requireKeys(schema.model, given, required);
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** @throws CoreBlocksError invalid-config unless groups divide the channels */
function checkGroups(model: string, channels: number, groups: number): void {
  if (channels % groups !== 0) refuseConfig(model, `${channels} channels must be divisible by ${groups} groups`, { channels, groups });
}

const RESNET: ConfigSchema = {
  model: 'ResnetBlock2D',
  keys: {
    in_channels: WIDTH,
    out_channels: orNull(WIDTH),
    temb_channels: orNull(WIDTH),
    groups: WIDTH,
    groups_out: orNull(WIDTH),
    eps: EPSILON,
    non_linearity: ACTIVATION,
    skip_time_act: FLAG,
    time_embedding_norm: oneOf('default', 'scale_shift'),
    kernel: oneOf(null, 'sde_vp'),
    output_scale_factor: SCALE,
    use_in_shortcut: orNull(FLAG),
    up: FLAG,
    down: FLAG,
    conv_shortcut_bias: FLAG,
    conv_2d_out_channels: orNull(WIDTH),
  },
  inert: { conv_shortcut: 'diffusers stores it and reads it nowhere', dropout: DROPOUT, pre_norm: 'diffusers takes it for true' },
};

/** diffusers' `ResnetBlock2D`. `kernel` sde_vp resamples as none does. @throws CoreBlocksError invalid-config naming the argument */
function resnetBlock2D(given: Arguments): ResnetBlock2D {
  const c = read(RESNET, given, {
    in_channels: REQUIRED as number,
    out_channels: null as number | null,
    temb_channels: 512 as number | null,
    groups: 32,
    groups_out: null as number | null,
    eps: 1e-6,
    non_linearity: 'swish',
    skip_time_act: false,
    time_embedding_norm: 'default',
    output_scale_factor: 1,
    use_in_shortcut: null as boolean | null,
    up: false,
    down: false,
    conv_shortcut_bias: true,
    conv_2d_out_channels: null as number | null,
  });
  const out = c.out_channels ?? c.in_channels;
  const last = c.conv_2d_out_channels ?? out;
  checkGroups(RESNET.model, c.in_channels, c.groups);
  checkGroups(RESNET.model, out, c.groups_out ?? c.groups);
  if (c.use_in_shortcut === false && c.in_channels !== last)
    refuseConfig(RESNET.model, `use_in_shortcut false: ${c.in_channels} channels cannot be added to ${last}`, { given });
  return new ResnetBlock2D(c.in_channels, out, {
    tembChannels: c.temb_channels,
    groups: c.groups,
    ...(c.groups_out === null ? {} : { groupsOut: c.groups_out }),
    eps: c.eps,
    activation: activationNamed(RESNET.model, 'non_linearity', c.non_linearity),
    timeScaleShift: c.time_embedding_norm === 'scale_shift',
    skipTimeActivation: c.skip_time_act,
    outputScale: c.output_scale_factor,
    resample: c.up ? 'up' : c.down ? 'down' : null,
    ...(c.use_in_shortcut === null ? {} : { convShortcut: c.use_in_shortcut }),
    shortcutBias: c.conv_shortcut_bias,
    lastChannels: last,
  });
}

const SAMPLER_KEYS = {
  channels: WIDTH,
  use_conv: FLAG,
  out_channels: orNull(WIDTH),
  padding: whole(0, 64),
  kernel_size: orNull(whole(1, 64)),
  norm_type: oneOf(null, 'ln_norm', 'rms_norm'),
  eps: orNull(EPSILON),
  elementwise_affine: orNull(FLAG),
  bias: FLAG,
};
const SAMPLER_DEFAULTS = {
  channels: REQUIRED as number,
  use_conv: false,
  out_channels: null as number | null,
  padding: 1,
  kernel_size: null as number | null,
  norm_type: null as 'ln_norm' | 'rms_norm' | null,
  eps: null as number | null,
  elementwise_affine: null as boolean | null,
  bias: true,
};

/** @throws CoreBlocksError invalid-config for a norm without the epsilon that it needs */
function channelNorm(model: string, { norm_type, eps, elementwise_affine }: typeof SAMPLER_DEFAULTS): ChannelNorm | null {
  if (norm_type === null) return null;
  if (eps === null) refuseConfig(model, `norm_type ${norm_type} needs eps`, { norm_type });
  return { kind: norm_type === 'ln_norm' ? 'layer' : 'rms', eps: eps as number, affine: elementwise_affine ?? false };
}

const UPSAMPLE: ConfigSchema = {
  model: 'Upsample2D',
  keys: { ...SAMPLER_KEYS, interpolate: FLAG },
  inert: { name: 'what the convolution is called' },
  fixed: { use_conv_transpose: { only: false, instead: 'a transposed convolution' } },
};

/** diffusers' `Upsample2D`. @throws CoreBlocksError invalid-config naming the argument */
function upsample2D(given: Arguments): Upsample2D {
  const c = read(UPSAMPLE, given, { ...SAMPLER_DEFAULTS, interpolate: true });
  return new Upsample2D(c.channels, c.out_channels ?? c.channels, {
    conv: c.use_conv,
    kernelSize: c.kernel_size ?? 3,
    padding: c.padding,
    bias: c.bias,
    norm: channelNorm(UPSAMPLE.model, c),
    interpolate: c.interpolate,
  });
}

const DOWNSAMPLE: ConfigSchema = {
  model: 'Downsample2D',
  keys: { ...SAMPLER_KEYS, kernel_size: whole(1, 64) },
  inert: { name: 'what the convolution is called' },
};

/** diffusers' `Downsample2D`. @throws CoreBlocksError invalid-config naming the argument */
function downsample2D(given: Arguments): Downsample2D {
  const c = read(DOWNSAMPLE, given, SAMPLER_DEFAULTS);
  return new Downsample2D(c.channels, c.out_channels ?? c.channels, c.padding, {
    conv: c.use_conv,
    kernelSize: c.kernel_size ?? 3,
    bias: c.bias,
    norm: channelNorm(DOWNSAMPLE.model, c),
  });
}

const NORM_TYPE = { only: 'layer_norm', instead: 'norms that the time step or a class scales, of DiT, PixArt and I2VGen' };
const GATED = { only: 'default', instead: 'GLIGEN: gated attention over boxes and their texts' };

const BLOCK_KEYS = {
  num_attention_heads: WIDTH,
  attention_head_dim: WIDTH,
  cross_attention_dim: orNull(WIDTH),
  activation_fn: oneOf(...FEED_FORWARD_ACTIVATIONS),
  attention_bias: FLAG,
  only_cross_attention: FLAG,
  double_self_attention: FLAG,
  norm_elementwise_affine: FLAG,
  norm_eps: EPSILON,
};
const BLOCK_FIXED = {
  num_embeds_ada_norm: { only: null, instead: NORM_TYPE.instead },
  norm_type: NORM_TYPE,
  attention_type: GATED,
};
const BLOCK_DEFAULTS = {
  num_attention_heads: 16,
  attention_head_dim: 88,
  cross_attention_dim: null as number | null,
  activation_fn: 'geglu' as FeedForwardActivation,
  attention_bias: false,
  only_cross_attention: false,
  double_self_attention: false,
  norm_elementwise_affine: true,
  norm_eps: 1e-5,
};

const blockOptions = (c: typeof BLOCK_DEFAULTS): TransformerBlockOptions => ({
  activation: c.activation_fn,
  headDim: c.attention_head_dim,
  onlyCrossAttention: c.only_cross_attention,
  doubleSelfAttention: c.double_self_attention,
  attentionBias: c.attention_bias,
  normEps: c.norm_eps,
  normAffine: c.norm_elementwise_affine,
});

const TRANSFORMER_BLOCK: ConfigSchema = {
  model: 'BasicTransformerBlock',
  keys: { dim: WIDTH, ...BLOCK_KEYS, ff_inner_dim: orNull(WIDTH), ff_bias: FLAG, attention_out_bias: FLAG },
  inert: {
    dropout: DROPOUT,
    final_dropout: DROPOUT,
    upcast_attention: PRECISION,
    ada_norm_continous_conditioning_embedding_dim: 'read with norm_type ada_norm_continuous alone',
    ada_norm_bias: 'read with norm_type ada_norm_continuous alone',
    num_positional_embeddings: 'read with positional_embeddings alone',
  },
  fixed: { ...BLOCK_FIXED, positional_embeddings: { only: null, instead: 'sinusoids added to the tokens, of AnimateDiff and Latte' } },
};

/** diffusers' `BasicTransformerBlock`. @throws CoreBlocksError invalid-config naming the argument */
function basicTransformerBlock(given: Arguments): BasicTransformerBlock {
  const c = read(TRANSFORMER_BLOCK, given, {
    ...BLOCK_DEFAULTS,
    dim: REQUIRED as number,
    ff_inner_dim: null as number | null,
    ff_bias: true,
    attention_out_bias: true,
  });
  return new BasicTransformerBlock(c.dim, c.num_attention_heads, c.cross_attention_dim, {
    ...blockOptions(c),
    ...(c.ff_inner_dim === null ? {} : { inner: c.ff_inner_dim }),
    feedForwardBias: c.ff_bias,
    attentionOutBias: c.attention_out_bias,
  });
}

const TRANSFORMER: ConfigSchema = {
  model: 'Transformer2DModel',
  keys: {
    ...BLOCK_KEYS,
    in_channels: WIDTH,
    out_channels: orNull(WIDTH),
    num_layers: LAYER_COUNT,
    norm_num_groups: WIDTH,
    use_linear_projection: FLAG,
  },
  inert: {
    dropout: DROPOUT,
    upcast_attention: PRECISION,
    sample_size: 'read for patches and for discrete inputs alone',
    interpolation_scale: 'read for patches alone',
    use_additional_conditions: 'read with norm_type ada_norm_single alone',
    caption_channels: 'read for patches alone',
  },
  fixed: {
    ...BLOCK_FIXED,
    num_vector_embeds: { only: null, instead: 'discrete pixels, of VQ-Diffusion' },
    patch_size: { only: null, instead: 'patches, of DiT and PixArt' },
  },
};

/** diffusers' `Transformer2DModel` over features. @throws CoreBlocksError invalid-config naming the argument */
function transformer2D(given: Arguments): Transformer2DModel {
  const c = read(TRANSFORMER, given, {
    ...BLOCK_DEFAULTS,
    in_channels: REQUIRED as number,
    out_channels: null as number | null,
    num_layers: 1,
    norm_num_groups: 32,
    use_linear_projection: false,
  });
  checkGroups(TRANSFORMER.model, c.in_channels, c.norm_num_groups);
  if ((c.out_channels ?? c.in_channels) !== c.in_channels)
    refuseConfig(
      TRANSFORMER.model,
      `out_channels: what comes out is added to the ${c.in_channels} channels that go in, got ${c.out_channels}`,
      {
        given,
      },
    );
  return new Transformer2DModel(c.in_channels, {
    ...blockOptions(c),
    heads: c.num_attention_heads,
    contextChannels: c.cross_attention_dim,
    groups: c.norm_num_groups,
    layers: c.num_layers,
    linearProjection: c.use_linear_projection,
  });
}

const TIMESTEP: ConfigSchema = {
  model: 'TimestepEmbedding',
  keys: {
    in_channels: WIDTH,
    time_embed_dim: WIDTH,
    act_fn: ACTIVATION,
    out_dim: orNull(WIDTH),
    post_act_fn: orNull(ACTIVATION),
    cond_proj_dim: orNull(WIDTH),
    sample_proj_bias: FLAG,
  },
};

/** diffusers' `TimestepEmbedding`. @throws CoreBlocksError invalid-config naming the argument */
function timestepLayers(given: Arguments): TimestepEmbedding {
  const c = read(TIMESTEP, given, {
    in_channels: REQUIRED as number,
    time_embed_dim: REQUIRED as number,
    act_fn: 'silu',
    out_dim: null as number | null,
    post_act_fn: null as string | null,
    cond_proj_dim: null as number | null,
    sample_proj_bias: true,
  });
  return new TimestepEmbedding(c.in_channels, c.time_embed_dim, c.out_dim ?? c.time_embed_dim, {
    activation: activationNamed(TIMESTEP.model, 'act_fn', c.act_fn),
    postActivation: c.post_act_fn === null ? null : activationNamed(TIMESTEP.model, 'post_act_fn', c.post_act_fn),
    conditionChannels: c.cond_proj_dim,
    bias: c.sample_proj_bias,
  });
}

const ATTENTION: ConfigSchema = {
  model: 'Attention',
  keys: {
    query_dim: WIDTH,
    cross_attention_dim: orNull(WIDTH),
    heads: WIDTH,
    dim_head: WIDTH,
    bias: FLAG,
    out_bias: FLAG,
    scale_qk: FLAG,
    cross_attention_norm: oneOf(null, 'layer_norm', 'group_norm'),
    cross_attention_norm_num_groups: WIDTH,
  },
  inert: {
    dropout: DROPOUT,
    upcast_attention: PRECISION,
    upcast_softmax: PRECISION,
    added_proj_bias: 'read with added_kv_proj_dim alone',
    elementwise_affine: 'read with qk_norm alone',
    is_causal: 'diffusers stores it; its attention is never causal',
    eps: 'read with norm_num_groups or qk_norm alone',
    _from_deprecated_attn_block: 'how old weights are called',
  },
  fixed: {
    kv_heads: { only: null, instead: 'fewer heads for keys and values, of Stable Audio and Hunyuan' },
    qk_norm: { only: null, instead: 'norms of queries and keys, of SD3 and video transformers' },
    added_kv_proj_dim: { only: null, instead: 'as a layer of its own; the SimpleCrossAttn blocks of a U-Net have it' },
    only_cross_attention: { only: false, instead: 'read with added_kv_proj_dim alone' },
    norm_num_groups: { only: null, instead: 'over pixels, as the autoencoder and the Attn blocks of a U-Net have it' },
    residual_connection: { only: false, instead: 'over pixels, as the autoencoder and the Attn blocks of a U-Net have it' },
    rescale_output_factor: { only: 1, instead: 'over pixels, as the Attn blocks of a U-Net have it' },
    spatial_norm_dim: { only: null, instead: 'a norm that latents scale, of Kandinsky' },
    out_dim: { only: null, instead: 'another width out than in, of SD3 and Flux' },
    out_context_dim: { only: null, instead: 'two streams, of SD3 and Flux' },
    context_pre_only: { only: null, instead: 'two streams, of SD3 and Flux' },
    pre_only: { only: false, instead: 'no projection behind, of Flux' },
    processor: { only: null, instead: 'another way to compute it' },
  },
};

/** diffusers' `Attention` over tokens. @throws CoreBlocksError invalid-config naming the argument */
function attention(given: Arguments): Attention {
  const c = read(ATTENTION, given, {
    query_dim: REQUIRED as number,
    cross_attention_dim: null as number | null,
    heads: 8,
    dim_head: 64,
    bias: false,
    out_bias: true,
    scale_qk: true,
    cross_attention_norm: null as 'layer_norm' | 'group_norm' | null,
    cross_attention_norm_num_groups: 32,
  });
  const { cross_attention_norm: norm, cross_attention_norm_num_groups: groups, cross_attention_dim: context } = c;
  if (norm === 'group_norm') checkGroups(ATTENTION.model, context ?? c.query_dim, groups);
  return new Attention(c.query_dim, c.heads, context ?? c.query_dim, {
    qkvBias: c.bias,
    outBias: c.out_bias,
    headDim: c.dim_head,
    scaled: c.scale_qk,
    contextNorm: norm === null ? null : norm === 'layer_norm' ? 'layer' : { groups },
  });
}

/** diffusers' groups of every norm over frames. */
const VIDEO_GROUPS = 32;

const VIDEO_RESNET: ConfigSchema = {
  model: 'SpatioTemporalResBlock',
  keys: {
    in_channels: WIDTH,
    out_channels: orNull(WIDTH),
    temb_channels: orNull(WIDTH),
    eps: EPSILON,
    temporal_eps: orNull(EPSILON),
    merge_factor: number(-1e6, 1e6),
    merge_strategy: oneOf('learned_with_images', 'learned', 'fixed'),
    switch_spatial_to_temporal_mix: FLAG,
  },
};

/** diffusers' `SpatioTemporalResBlock`, of videos alone. @throws CoreBlocksError invalid-config naming the argument */
function spatioTemporalResBlock(given: Arguments): SpatioTemporalResBlock {
  const c = read(VIDEO_RESNET, given, {
    in_channels: REQUIRED as number,
    out_channels: null as number | null,
    temb_channels: 512 as number | null,
    eps: 1e-6,
    temporal_eps: null as number | null,
    merge_factor: 0.5,
    merge_strategy: 'learned_with_images',
    switch_spatial_to_temporal_mix: false,
  });
  const out = c.out_channels ?? c.in_channels;
  for (const channels of [c.in_channels, out]) checkGroups(VIDEO_RESNET.model, channels, VIDEO_GROUPS);
  return new SpatioTemporalResBlock(c.in_channels, out, {
    tembChannels: c.temb_channels,
    groups: VIDEO_GROUPS,
    eps: c.eps,
    temporalEps: c.temporal_eps ?? c.eps,
    initialMix: c.merge_factor,
    temporalFirst: c.switch_spatial_to_temporal_mix,
    fixedMix: c.merge_strategy === 'fixed',
  });
}

const VIDEO_TRANSFORMER: ConfigSchema = {
  model: 'TransformerSpatioTemporalModel',
  keys: {
    num_attention_heads: WIDTH,
    attention_head_dim: WIDTH,
    in_channels: WIDTH,
    num_layers: LAYER_COUNT,
    cross_attention_dim: orNull(WIDTH),
  },
  inert: { out_channels: 'diffusers stores it and reads it nowhere' },
};

/** diffusers' `TransformerSpatioTemporalModel`, of videos alone. @throws CoreBlocksError invalid-config naming the argument */
function transformerSpatioTemporal(given: Arguments): TransformerSpatioTemporalModel {
  const c = read(VIDEO_TRANSFORMER, given, {
    num_attention_heads: 16,
    attention_head_dim: 88,
    in_channels: 320,
    num_layers: 1,
    cross_attention_dim: null as number | null,
  });
  checkGroups(VIDEO_TRANSFORMER.model, c.in_channels, VIDEO_GROUPS);
  if (c.num_attention_heads * c.attention_head_dim !== c.in_channels)
    refuseConfig(VIDEO_TRANSFORMER.model, `num_attention_heads times attention_head_dim must be in_channels (${c.in_channels})`, { given });
  return new TransformerSpatioTemporalModel(c.in_channels, {
    heads: c.num_attention_heads,
    contextChannels: c.cross_attention_dim,
    groups: VIDEO_GROUPS,
    layers: c.num_layers,
  });
}

/** Layers of diffusers by their class: built of its keyword arguments, each of which is done, refused by name, or without effect. */
export const referenceLayers = {
  ResnetBlock2D: resnetBlock2D,
  Upsample2D: upsample2D,
  Downsample2D: downsample2D,
  Transformer2DModel: transformer2D,
  BasicTransformerBlock: basicTransformerBlock,
  Attention: attention,
  TimestepEmbedding: timestepLayers,
  SpatioTemporalResBlock: spatioTemporalResBlock,
  TransformerSpatioTemporalModel: transformerSpatioTemporal,
};
