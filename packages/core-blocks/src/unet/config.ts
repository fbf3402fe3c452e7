import { checkConfig, perLevel, refuseConfig, type ConfigSchema } from '../config.ts';
import type { Activation } from '../layers/activation.ts';
import type { AttentionOptions } from './blocks.ts';
import { VIDEO_UNET_SCHEMA, type SpatioTemporalEncoderConfig, type UNetEncoderConfig, type UNetOnlyConfig } from './config-keys.ts';
import {
  resolveAddition,
  resolveClasses,
  resolveContextProjection,
  resolveTime,
  type Addition,
  type ClassSettings,
  type ContextProjection,
  type TimeSettings,
} from './resolve-conditions.ts';

export type { SpatioTemporalEncoderConfig, UNetEncoderConfig, UNetOnlyConfig } from './config-keys.ts';

/** diffusers hard-codes them in the spatio-temporal blocks: group norms of 32 groups, and these epsilons. */
const SPATIO_TEMPORAL = { groups: 32, eps: { crossAttnDown: 1e-6, down: 1e-5, mid: 1e-5, up: 1e-6, out: 1e-5 } };

/** diffusers' groups of the norm of a context, whatever the config says. */
const CONTEXT_NORM_GROUPS = 32;

/** Residual blocks and transformers that a config may ask for in all: SDXL has 87. */
const MAX_BLOCKS = 4096;

/** What one block of a level is made of. */
export interface BlockSettings {
  attention: AttentionOptions | null;
  sampler: 'conv' | 'resnet';
  skipTimeActivation: boolean;
  outputScale: number;
}

/** One level of the encoder, with every default and per-level list resolved. */
export interface Level extends BlockSettings {
  channels: number;
  /** Residual blocks on the way down; there is one more on the way up. */
  layers: number;
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
  convInKernel: number;
  /** Samples in [0, 1] are brought to [-1, 1]. */
  centerInput: boolean;
  time: TimeSettings;
  /** Width of the embedding that blocks see. */
  timeEmbedDim: number;
  addition: Addition | null;
  classes: ClassSettings | null;
  /** The embedding of a class is put behind that of the time, instead of being added. */
  concatClasses: boolean;
  contextProjection: ContextProjection | null;
  /** Width of the context that is given, [N, S, D]. */
  contextChannels: number;
  /** Width of what is attended to: the same, unless the context is projected. */
  attendedChannels: number;
  levels: Level[];
  /** null: the U-Net has no middle block. */
  mid: BlockSettings | null;
  groups: number;
  activation: Activation;
  timeScaleShift: boolean;
  downsamplePadding: number;
  /** Epsilons behind the encoder's levels. */
  eps: { mid: number; up: number; out: number };
}

/** Kinds of blocks, by what precedes "DownBlock2D" in their names; `Resnet` has no attention and resizes by a residual block. */
type BlockKind = '' | 'CrossAttn' | 'SimpleCrossAttn' | 'Attn' | 'Resnet';
const KINDS: readonly BlockKind[] = ['', 'CrossAttn', 'SimpleCrossAttn', 'Attn', 'Resnet'];
const VIDEO_KINDS: readonly BlockKind[] = ['', 'CrossAttn'];

function typeOf(kind: BlockKind, direction: 'Down' | 'Up', video: boolean): string {
  if (video) return `${kind}${direction}BlockSpatioTemporal`;
  return kind === 'Resnet' ? `Resnet${direction}sampleBlock2D` : `${kind}${direction}Block2D`;
}

/** Which kind a block type names. diffusers still reads the old names, with UNetRes in front. */
function kindOf(model: string, key: string, type: string, direction: 'Down' | 'Up', video: boolean): BlockKind {
  const kinds = video ? VIDEO_KINDS : KINDS;
  const name = video ? type : type.replace(/^UNetRes/, '');
  const found = kinds.find((kind) => typeOf(kind, direction, video) === name);
  if (found === undefined)
    refuseConfig(model, `${key} must be ${kinds.map((kind) => typeOf(kind, direction, video)).join(' or ')}, got "${type}"`, { type });
  return found as BlockKind;
}

/** What the levels' blocks are made from: a list per level each. */
interface PerLevel {
  model: string;
  video: boolean;
  channels: readonly number[];
  groups: number;
  heads: readonly number[];
  /** Channels of a head, where a block's heads are not numbered. */
  headDims: readonly number[];
  context: readonly number[];
  transformerLayers: readonly (number | readonly number[])[];
  onlyCrossAttention: readonly boolean[];
  linearProjection: boolean;
  contextNorm: 'layer' | { groups: number } | null;
  skipTimeActivation: boolean;
  outputScale: number;
}

/** @throws CoreBlocksError invalid-config unless heads fit into a level's channels. */
function headsOf({ model, channels, video, heads }: PerLevel, i: number): number {
  const [width, count] = [channels[i] as number, heads[i] as number];
  if (count > width || (video && width % count !== 0))
    refuseConfig(model, `${width} channels of level ${i} must be divisible by the number of heads (${count})`, { width, heads: count });
  return count;
}

/** Heads of so many channels, at level i. */
function headsByChannels({ model, channels }: PerLevel, i: number, headDim: number): number {
  const width = channels[i] as number;
  if (width % headDim !== 0)
    refuseConfig(
      model,
      `${width} channels of level ${i} must be divisible by attention_head_dim (${headDim}), in blocks that take it by its name`,
      {
        width,
        headDim,
      },
    );
  return width / headDim;
}

function contextNormOf(all: PerLevel, i: number): PerLevel['contextNorm'] {
  const { model, contextNorm, context, channels } = all;
  if (contextNorm === 'layer' && context[i] !== channels[i])
    refuseConfig(model, `cross_attention_norm layer_norm: the context's ${context[i]} channels must be level ${i}'s (${channels[i]})`, {
      i,
    });
  if (typeof contextNorm === 'object' && contextNorm && (context[i] as number) % contextNorm.groups !== 0)
    refuseConfig(
      model,
      `cross_attention_norm group_norm: the context's ${context[i]} channels must be divisible by ${contextNorm.groups}`,
      { i },
    );
  return contextNorm;
}

/** A block of level i of some kind; `headDim` for blocks that take it by its name. */
function blockOf(all: PerLevel, kind: BlockKind, i: number, headDim: number): BlockSettings {
  const settings = { sampler: 'conv' as const, skipTimeActivation: false, outputScale: 1 };
  const { skipTimeActivation, outputScale } = all;
  const resnet = { sampler: 'resnet' as const, skipTimeActivation, outputScale };
  const [contextChannels, onlyCrossAttention] = [all.context[i] as number, all.onlyCrossAttention[i] as boolean];
  if (kind === '') return { ...settings, attention: null };
  if (kind === 'Resnet') return { ...resnet, attention: null };
  if (kind === 'Attn') return { ...settings, attention: { kind: 'self', heads: headsByChannels(all, i, headDim) } };
  if (kind === 'SimpleCrossAttn') {
    const heads = headsByChannels(all, i, headDim);
    return { ...resnet, attention: { kind: 'added-kv', heads, contextChannels, onlyCrossAttention, contextNorm: contextNormOf(all, i) } };
  }
  const { linearProjection } = all;
  const layers = all.transformerLayers[i] as number | readonly number[];
  return {
    ...settings,
    attention: { kind: 'transformer', heads: headsOf(all, i), contextChannels, layers, linearProjection, onlyCrossAttention },
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** @throws CoreBlocksError invalid-config for more blocks than any network has: building them would take minutes and memory. */
function checkSize(model: string, layers: readonly number[], transformerLayers: PerLevel['transformerLayers']): void {
  const blocks = sum(
    layers.map((count, i) => {
      const depth = transformerLayers[i] as number | readonly number[];
      return count + (typeof depth === 'number' ? count * depth : sum(depth));
    }),
  );
  if (blocks > MAX_BLOCKS)
    refuseConfig(model, `layers_per_block and transformer_layers_per_block make ${blocks} blocks; at most ${MAX_BLOCKS} are built`, {
      blocks,
    });
}

function levelsOf(all: PerLevel, types: readonly string[], layers: readonly number[], eps: (attention: boolean) => number): Level[] {
  const { model, channels, groups, video } = all;
  if (types.length !== channels.length)
    refuseConfig(model, `block_out_channels and down_block_types must name the same levels, got ${channels.length} and ${types.length}`, {
      types,
    });
  checkSize(model, layers, all.transformerLayers);
  return channels.map((width, i) => {
    if (width % groups !== 0)
      refuseConfig(model, `${width} channels of level ${i} must be divisible by norm_num_groups (${groups})`, { width, groups });
    const count = layers[i] as number;
    const depth = all.transformerLayers[i];
    if (Array.isArray(depth) && depth.length < count)
      refuseConfig(model, `transformer_layers_per_block[${i}]: expected ${count} numbers (layers_per_block), got ${depth.length}`, {
        depth,
      });
    const kind = kindOf(model, `down_block_types[${i}]`, types[i] as string, 'Down', video);
    return { channels: width, layers: count, eps: eps(kind !== ''), ...blockOf(all, kind, i, all.headDims[i] as number) };
  });
}

/** The one width of what is attended to. @throws CoreBlocksError invalid-config where levels want several */
function contextWidth(model: string, blocks: readonly (BlockSettings | null)[], context: readonly number[]): number {
  const widths = blocks.flatMap((block) => (block?.attention && block.attention.kind !== 'self' ? [block.attention.contextChannels] : []));
  const found = new Set(widths);
  if (found.size > 1)
    refuseConfig(model, `cross_attention_dim: one context is given to all levels, it cannot have ${[...found].join(' and ')} channels`, {
      context,
    });
  return widths[0] ?? (context[0] as number);
}

type ImageConfig = UNetEncoderConfig & UNetOnlyConfig & { num_attention_heads?: number | readonly number[] | null };

/** diffusers' defaults of what a config.json may leave out. */
const DEFAULTS = {
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 2,
  attention_head_dim: 8,
  cross_attention_dim: 1280,
};
const VIDEO_DEFAULTS = {
  block_out_channels: DEFAULTS.block_out_channels,
  down_block_types: [
    'CrossAttnDownBlockSpatioTemporal',
    'CrossAttnDownBlockSpatioTemporal',
    'CrossAttnDownBlockSpatioTemporal',
    'DownBlockSpatioTemporal',
  ],
  layers_per_block: 2,
  num_attention_heads: [5, 10, 20, 20],
  cross_attention_dim: 1024,
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 768,
};

/** What the config says, without keys that are there but undefined. */
const stated = <T extends object>(config: T): T =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as T;

function imageLevels(model: string, config: ImageConfig): PerLevel {
  const { block_out_channels: channels } = config;
  const each = <T>(name: keyof ImageConfig, value: T | readonly T[]): readonly T[] => perLevel(name, value, channels.length);
  const headDims = each<number>('attention_head_dim', config.attention_head_dim);
  const norm = config.cross_attention_norm ?? null;
  return {
    model,
    video: false,
    channels,
    groups: config.norm_num_groups ?? 32,
    heads: each<number>('num_attention_heads', config.num_attention_heads ?? headDims),
    headDims,
    context: each<number>('cross_attention_dim', config.cross_attention_dim),
    transformerLayers: each<number | readonly number[]>('transformer_layers_per_block', config.transformer_layers_per_block ?? 1),
    onlyCrossAttention: each<boolean>('only_cross_attention', config.only_cross_attention ?? false),
    linearProjection: config.use_linear_projection ?? false,
    contextNorm: norm === null ? null : norm === 'layer_norm' ? 'layer' : { groups: CONTEXT_NORM_GROUPS },
    skipTimeActivation: config.resnet_skip_time_act ?? false,
    outputScale: config.resnet_out_scale_factor ?? 1,
  };
}

function imageMid(all: PerLevel, config: ImageConfig): BlockSettings | null {
  const type = config.mid_block_type === undefined ? 'UNetMidBlock2DCrossAttn' : config.mid_block_type;
  const last = all.channels.length - 1;
  const { only_cross_attention: only, mid_block_only_cross_attention: midOnly } = config;
  const outputScale = config.mid_block_scale_factor ?? 1;
  if (type === null) return null;
  if (type === 'UNetMidBlock2D') return { ...blockOf(all, '', last, 0), outputScale };
  if (type === 'UNetMidBlock2DCrossAttn') {
    const block = blockOf(all, 'CrossAttn', last, 0);
    // The middle block's self-attention stays, whatever only_cross_attention says of the levels.
    return {
      ...block,
      outputScale,
      attention: { ...(block.attention as AttentionOptions), onlyCrossAttention: false } as AttentionOptions,
    };
  }
  const block = blockOf(all, 'SimpleCrossAttn', last, all.headDims[last] as number);
  const onlyCrossAttention = midOnly ?? (typeof only === 'boolean' ? only : false);
  return { ...block, outputScale, attention: { ...(block.attention as AttentionOptions), onlyCrossAttention } as AttentionOptions };
}

/**
 * Fills in defaults and checks an encoder's config.
 * @param options.classActivation of a class's embedding as a time step, where it is not the network's own
 * @throws CoreBlocksError invalid-config naming the key.
 */
export function resolveEncoder(schema: ConfigSchema, given: ImageConfig, options: { classActivation?: Activation } = {}): ResolvedEncoder {
  checkConfig(given, schema);
  const { model } = schema;
  const config: ImageConfig = { ...DEFAULTS, ...stated(given) };
  const all = imageLevels(model, config);
  const eps = config.norm_eps ?? 1e-5;
  const levels = levelsOf(
    all,
    config.down_block_types,
    perLevel('layers_per_block', config.layers_per_block, all.channels.length),
    () => eps,
  );
  const mid = imageMid(all, config);
  const time = resolveTime(model, config);
  const attended = contextWidth(model, [...levels, mid], all.context);
  const contextProjection = resolveContextProjection(model, config);
  const concatClasses = config.class_embeddings_concat ?? false;
  return {
    model,
    video: false,
    inChannels: config.in_channels ?? 4,
    convInKernel: config.conv_in_kernel ?? 3,
    centerInput: config.center_input_sample ?? false,
    time,
    timeEmbedDim: concatClasses ? 2 * time.dim : time.dim,
    addition: resolveAddition(model, config, attended),
    classes: resolveClasses(model, config, options.classActivation ?? time.activation),
    concatClasses,
    contextProjection,
    contextChannels: contextProjection ? contextProjection.channels : attended,
    attendedChannels: attended,
    levels,
    mid,
    groups: all.groups,
    activation: time.activation,
    timeScaleShift: config.resnet_time_scale_shift === 'scale_shift',
    downsamplePadding: config.downsample_padding ?? 1,
    eps: { mid: eps, up: eps, out: eps },
  };
}

function videoLevels(model: string, config: SpatioTemporalEncoderConfig): PerLevel {
  const { block_out_channels: channels } = config;
  const each = (name: keyof SpatioTemporalEncoderConfig, value: number | readonly number[]) => perLevel(name, value, channels.length);
  const heads = each('num_attention_heads', config.num_attention_heads);
  return {
    model,
    video: true,
    channels,
    groups: SPATIO_TEMPORAL.groups,
    heads,
    headDims: heads,
    context: each('cross_attention_dim', config.cross_attention_dim),
    transformerLayers: each('transformer_layers_per_block', config.transformer_layers_per_block ?? 1),
    onlyCrossAttention: channels.map(() => false),
    linearProjection: true,
    contextNorm: null,
    skipTimeActivation: false,
    outputScale: 1,
  };
}

/** Like {@link resolveEncoder}, for a video U-Net. */
export function resolveSpatioTemporalEncoder(schema: ConfigSchema, given: SpatioTemporalEncoderConfig): ResolvedEncoder {
  checkConfig(given, schema);
  const { model } = schema;
  const config: SpatioTemporalEncoderConfig = { ...VIDEO_DEFAULTS, ...stated(given) };
  const all = videoLevels(model, config);
  const { groups, eps } = SPATIO_TEMPORAL;
  const layers = perLevel('layers_per_block', config.layers_per_block, all.channels.length);
  const levels = levelsOf(all, config.down_block_types, layers, (attention) => (attention ? eps.crossAttnDown : eps.down));
  const mid = blockOf(all, 'CrossAttn', all.channels.length - 1, 0);
  const attended = contextWidth(model, [...levels, mid], all.context);
  const time = resolveTime(model, { ...config, transformer_layers_per_block: 1, attention_head_dim: 1 });
  return {
    model,
    video: true,
    inChannels: config.in_channels ?? 8,
    convInKernel: 3,
    centerInput: false,
    time,
    timeEmbedDim: time.dim,
    addition: {
      kind: 'text_time',
      timeDim: config.addition_time_embed_dim,
      inputDim: config.projection_class_embeddings_input_dim,
      text: false,
    },
    classes: null,
    concatClasses: false,
    contextProjection: null,
    contextChannels: attended,
    attendedChannels: attended,
    levels,
    mid,
    groups,
    activation: 'silu',
    timeScaleShift: false,
    downsamplePadding: 1,
    eps: { mid: eps.mid, up: eps.up, out: eps.out },
  };
}

/** What a U-Net's config says of its decoder. */
export interface DecoderConfig {
  out_channels?: number; // 4
  /** Per level, lowest resolution first (UpBlock2D, CrossAttnUpBlock2D, and so on). */
  up_block_types: readonly string[];
}

/** The decoder's blocks, lowest resolution first. @throws CoreBlocksError invalid-config naming the key. */
export function resolveDecoder(
  encoder: ResolvedEncoder,
  given: (ImageConfig | SpatioTemporalEncoderConfig) & DecoderConfig,
): BlockSettings[] {
  const { model, video, levels } = encoder;
  const [own, defaults] = video ? [VIDEO_UNET_SCHEMA.model, VIDEO_DEFAULTS] : [model, DEFAULTS];
  const config = { ...defaults, ...stated(given) };
  const all = video ? videoLevels(own, config as SpatioTemporalEncoderConfig) : imageLevels(own, config as ImageConfig);
  const types = config.up_block_types ?? config.down_block_types.map((type) => type.replace('Down', 'Up')).toReversed();
  if (types.length !== levels.length)
    refuseConfig(model, `up_block_types must have as many as down_block_types: expected ${levels.length}, got ${types.length}`, { types });
  const depths = upDepths(model, all, (config as ImageConfig).reverse_transformer_layers_per_block ?? null, levels);
  return types.map((type, i) => {
    const level = levels.length - 1 - i;
    const kind = kindOf(model, `up_block_types[${i}]`, type, 'Up', video);
    // diffusers reverses every list but that of the heads' channels.
    const transformerLayers = all.transformerLayers.with(level, depths[i] as number | readonly number[]);
    return blockOf({ ...all, transformerLayers }, kind, level, all.headDims[i] as number);
  });
}

/** Transformer layers of the decoder's levels. @throws CoreBlocksError invalid-config */
function upDepths(
  model: string,
  { transformerLayers }: PerLevel,
  reversed: ImageConfig['reverse_transformer_layers_per_block'] | null,
  levels: readonly Level[],
): readonly (number | readonly number[])[] {
  if (!reversed && transformerLayers.some((depth) => typeof depth !== 'number'))
    refuseConfig(model, 'transformer_layers_per_block with lists in it needs reverse_transformer_layers_per_block, for the way up', {
      transformerLayers,
    });
  const depths = reversed ?? transformerLayers.toReversed();
  if (depths.length !== levels.length)
    refuseConfig(model, `reverse_transformer_layers_per_block: expected ${levels.length} items, got ${depths.length}`, { depths });
  for (const [i, depth] of depths.entries()) {
    const count = (levels[levels.length - 1 - i] as Level).layers + 1;
    if (Array.isArray(depth) && depth.length < count)
      refuseConfig(
        model,
        `reverse_transformer_layers_per_block[${i}]: expected ${count} numbers (layers_per_block and one), got ${depth.length}`,
        {
          depth,
        },
      );
  }
  return depths;
}

/**
 * Width and downsampling (1, 2, 4, ...) of every state that the encoder hands to the skips, in order: conv_in, then per level
 * each layer and its downsampler. Twelve for SD1.5: 320 x3 at 1, 320 at 2, 640 x2 at 2, 640 at 4, ...
 * A side of n pixels has ceil(n / factor) there (with a downsample_padding of 0 the whole part).
 */
export function encoderStates({ levels }: ResolvedEncoder): { channels: number; factor: number }[] {
  const states = [{ channels: levels[0]?.channels as number, factor: 1 }];
  for (const [i, { channels, layers }] of levels.entries()) {
    for (let layer = 0; layer < layers; layer++) states.push({ channels, factor: 2 ** i });
    if (i < levels.length - 1) states.push({ channels, factor: 2 ** (i + 1) });
  }
  return states;
}
