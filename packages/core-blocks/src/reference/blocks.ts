import { checkConfig, refuseConfig, requireKeys, type ConfigSchema } from '../config.ts';
import { ACTIVATION, EPSILON, FLAG, LAYER_COUNT, WIDTH, number, oneOf, oneOrList, orNull, whole } from '../config-rules.ts';
import { activationNamed } from '../layers/activation.ts';
import { DownBlock, MidBlock, UpBlock, type AttentionOptions, type BlockOptions } from '../unet/blocks.ts';

/** Keyword arguments of a class of diffusers. */
type Arguments = Readonly<Record<string, unknown>>;

/** What every block of a U-Net is told. */
interface BlockArguments {
  in_channels: number;
  out_channels: number; // not of a middle block
  prev_output_channel: number; // of the blocks on the way up
  temb_channels: number | null;
  num_layers: number;
  resnet_eps: number;
  resnet_time_scale_shift: string;
  resnet_act_fn: string;
  resnet_groups: number;
  output_scale_factor: number;
  add_downsample: boolean;
  add_upsample: boolean;
  downsample_padding: number;
  transformer_layers_per_block: number | readonly number[];
  num_attention_heads: number;
  cross_attention_dim: number;
  use_linear_projection: boolean;
  only_cross_attention: boolean;
}

const DEFAULTS: Omit<BlockArguments, 'in_channels' | 'out_channels' | 'prev_output_channel' | 'temb_channels'> = {
  num_layers: 1,
  resnet_eps: 1e-6,
  resnet_time_scale_shift: 'default',
  resnet_act_fn: 'swish',
  resnet_groups: 32,
  output_scale_factor: 1,
  add_downsample: true,
  add_upsample: true,
  downsample_padding: 1,
  transformer_layers_per_block: 1,
  num_attention_heads: 1,
  cross_attention_dim: 1280,
  use_linear_projection: false,
  only_cross_attention: false,
};

const RESNET_KEYS = {
  in_channels: WIDTH,
  temb_channels: orNull(WIDTH),
  resnet_eps: EPSILON,
  resnet_time_scale_shift: oneOf('default', 'scale_shift'),
  resnet_act_fn: ACTIVATION,
  resnet_groups: WIDTH,
  output_scale_factor: number(1e-6, 1e6),
};
const ATTENTION_KEYS = {
  transformer_layers_per_block: oneOrList(LAYER_COUNT, 129),
  num_attention_heads: WIDTH,
  cross_attention_dim: WIDTH,
  use_linear_projection: FLAG,
};
const DOWN_KEYS = { ...RESNET_KEYS, out_channels: WIDTH, num_layers: LAYER_COUNT, add_downsample: FLAG, downsample_padding: whole(0, 64) };
const UP_KEYS = { ...RESNET_KEYS, out_channels: WIDTH, prev_output_channel: WIDTH, num_layers: LAYER_COUNT, add_upsample: FLAG };
const INERT = {
  dropout: 'dropout acts in training alone, and blocks are run as after eval()',
  resnet_pre_norm: 'diffusers takes it for true',
  upcast_attention: 'everything is computed in single precision',
  resolution_idx: 'read by FreeU alone',
};
const ATTENTION_FIXED = {
  dual_cross_attention: { only: false, instead: 'Versatile Diffusion: two transformers, of text and of an image' },
  attention_type: { only: 'default', instead: 'GLIGEN: gated attention over boxes and their texts' },
};

/** Checks the arguments and fills in defaults. @throws CoreBlocksError invalid-config naming what is missing or not built */
function read(schema: ConfigSchema, given: Arguments, required: readonly string[]): BlockArguments {
  checkConfig(given, schema);
  requireKeys(schema.model, given, required);
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const c = { ...DEFAULTS, temb_channels: null, ...stated } as BlockArguments;
  for (const channels of required.map((key) => c[key as 'in_channels' | 'out_channels' | 'prev_output_channel']))
    if (channels % c.resnet_groups !== 0)
      refuseConfig(schema.model, `${channels} channels must be divisible by resnet_groups (${c.resnet_groups})`, { channels });
  return c;
}

function transformer(c: BlockArguments, channels: number, model: string): AttentionOptions {
  if (c.num_attention_heads > channels)
    refuseConfig(model, `num_attention_heads: ${c.num_attention_heads} heads of ${channels} channels`, { channels });
  return {
    kind: 'transformer',
    heads: c.num_attention_heads,
    contextChannels: c.cross_attention_dim,
    layers: c.transformer_layers_per_block,
    linearProjection: c.use_linear_projection,
    onlyCrossAttention: c.only_cross_attention,
  };
}

const optionsOf = (c: BlockArguments, model: string, attention: AttentionOptions | null): BlockOptions => ({
  tembChannels: c.temb_channels,
  groups: c.resnet_groups,
  eps: c.resnet_eps,
  activation: activationNamed(model, 'resnet_act_fn', c.resnet_act_fn),
  timeScaleShift: c.resnet_time_scale_shift === 'scale_shift',
  outputScale: c.output_scale_factor,
  attention,
  video: false,
});

const downBlock =
  (model: 'DownBlock2D' | 'CrossAttnDownBlock2D') =>
  (given: Arguments): DownBlock => {
    const crossed = model === 'CrossAttnDownBlock2D';
    const keys = crossed ? { ...DOWN_KEYS, ...ATTENTION_KEYS, only_cross_attention: FLAG } : DOWN_KEYS;
    const c = read({ model, keys, inert: INERT, fixed: crossed ? ATTENTION_FIXED : {} }, given, ['in_channels', 'out_channels']);
    return new DownBlock(c.in_channels, c.out_channels, {
      ...optionsOf(c, model, crossed ? transformer(c, c.out_channels, model) : null),
      layers: c.num_layers,
      downsample: c.add_downsample,
      downsamplePadding: c.downsample_padding,
    });
  };

const upBlock =
  (model: 'UpBlock2D' | 'CrossAttnUpBlock2D') =>
  (given: Arguments): UpBlock => {
    const crossed = model === 'CrossAttnUpBlock2D';
    const keys = crossed ? { ...UP_KEYS, ...ATTENTION_KEYS, only_cross_attention: FLAG } : UP_KEYS;
    const schema = { model, keys, inert: INERT, fixed: crossed ? ATTENTION_FIXED : {} };
    const c = read(schema, given, ['in_channels', 'out_channels', 'prev_output_channel']);
    // The last skip is of the level above, whose width diffusers calls in_channels.
    const skips = Array.from({ length: c.num_layers }, (_, i) => (i === c.num_layers - 1 ? c.in_channels : c.out_channels));
    return new UpBlock(c.prev_output_channel, c.out_channels, skips, {
      ...optionsOf(c, model, crossed ? transformer(c, c.out_channels, model) : null),
      upsample: c.add_upsample,
    });
  };

/** diffusers' `UNetMidBlock2DCrossAttn`. @throws CoreBlocksError invalid-config naming the argument */
function midBlock(given: Arguments): MidBlock {
  const model = 'UNetMidBlock2DCrossAttn';
  const fixed = {
    ...ATTENTION_FIXED,
    num_layers: { only: 1, instead: 'more than one transformer, which no U-Net has' },
    out_channels: { only: null, instead: 'another width out than in, of Kandinsky 3' },
    resnet_groups_out: { only: null, instead: 'of Kandinsky 3' },
  };
  const c = read({ model, keys: { ...RESNET_KEYS, ...ATTENTION_KEYS }, inert: INERT, fixed }, given, ['in_channels']);
  return new MidBlock(c.in_channels, optionsOf(c, model, transformer(c, c.in_channels, model)));
}

/** A U-Net's blocks by their class in diffusers, built of its keyword arguments. */
export const referenceBlocks = {
  DownBlock2D: downBlock('DownBlock2D'),
  CrossAttnDownBlock2D: downBlock('CrossAttnDownBlock2D'),
  UNetMidBlock2DCrossAttn: midBlock,
  UpBlock2D: upBlock('UpBlock2D'),
  CrossAttnUpBlock2D: upBlock('CrossAttnUpBlock2D'),
};
