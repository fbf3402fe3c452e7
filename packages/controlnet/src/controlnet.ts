import * as tf from '@tensorflow/tfjs';
import {
  Conv2d,
  ENCODER_KEYS,
  INERT_KEYS,
  SD15_ENCODER,
  SD21_ENCODER,
  SDXL_ENCODER,
  SPATIO_TEMPORAL_KEYS,
  SVD_ENCODER,
  UNetEncoder,
  encoderStates,
  initialize,
  readConstant,
  resolveEncoder,
  resolveSpatioTemporalEncoder,
  rules,
  type ConditionOptions,
  type Conditions,
  type ConfigSchema,
  type ResolvedEncoder,
  type SpatioTemporalEncoderConfig,
  type UNetEncoderConfig,
  type Weights,
} from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { connectingConv, type Connection } from './connection.ts';
import { ControlNetError } from './errors.ts';
import { HintEncoder } from './hint-encoder.ts';
import { guessModeWeights, scaleResiduals, type ControlResiduals, type Strength } from './residuals.ts';

interface HintConfig {
  conditioning_channels?: number; // 3
  /** Widths of the hint encoder; n of them shrink the condition by 2^(n-1). */
  conditioning_embedding_out_channels?: readonly number[]; // [16, 32, 96, 256]
}

/** Config of a control network: the encoder of the U-Net it controls, and its hint encoder. Keys and defaults are diffusers'. */
export interface ControlNetConfig extends UNetEncoderConfig, HintConfig {
  /** Number of attention heads, in place of attention_head_dim. */
  num_attention_heads?: number | readonly number[] | null; // null
  /** The condition is red, green, blue as it is given (`rgb`), or turned round first (`bgr`). */
  controlnet_conditioning_channel_order?: string; // rgb
  /** Residuals are their means over all pixels (a shuffled picture's ControlNet); guess mode does not weigh them. */
  global_pool_conditions?: boolean; // false
}

/** Config of a control network for a video U-Net. */
export interface ControlNetSpatioTemporalConfig extends SpatioTemporalEncoderConfig, HintConfig {}

/** How a control network is tied to the U-Net. */
export interface ConnectionOptions {
  /** How its connecting convolutions begin. Default `zero`. */
  connection?: Connection;
  /** Connect the middle block alone; there are no other connecting convolutions then. Default false. */
  onlyMid?: boolean;
  /** Copy and connect only so many of the encoder's levels, the finest first, and no middle block. Default all. */
  levels?: number;
  /** Without a hint encoder the copy sees latents of the condition in place of the noisy ones. Default true. */
  hint?: boolean;
}

/** How strongly a control acts. */
export interface ControlOptions {
  /** Multiplies every residual. Default 1. */
  conditioningScale?: Strength;
  /** Weighs the connections by {@link guessModeWeights}, for sampling without a prompt. Default false. */
  guessMode?: boolean;
}

const { FLAG, WIDTH, listOf, oneOf, oneOrList, orNull } = rules;
const HINT_KEYS = { conditioning_channels: WIDTH, conditioning_embedding_out_channels: listOf(WIDTH, 16) };

/** Arguments of a U-Net's constructor that a ControlNet's does not have: its encoder is built with what they are by default. */
const NOT_A_CONTROLNETS = {
  center_input_sample: false,
  dual_cross_attention: false,
  resnet_skip_time_act: false,
  resnet_out_scale_factor: 1,
  time_embedding_type: 'positional',
  time_embedding_dim: null,
  time_embedding_act_fn: null,
  timestep_post_act: null,
  time_cond_proj_dim: null,
  conv_in_kernel: 3,
  class_embeddings_concat: false,
  mid_block_only_cross_attention: null,
  cross_attention_norm: null,
  attention_type: 'default',
};
const instead = "diffusers' ControlNetModel has no such argument";
const UNUSED = "diffusers' ControlNetModel makes the layer and never uses it";

/** diffusers' `ControlNetModel`. */
export const CONTROLNET_SCHEMA: ConfigSchema = {
  model: 'ControlNetModel',
  keys: {
    ...Object.fromEntries(Object.entries(ENCODER_KEYS).filter(([key]) => !key.startsWith('encoder_hid_dim'))),
    ...HINT_KEYS,
    num_attention_heads: orNull(oneOrList(WIDTH, 16)),
    mid_block_type: oneOf('UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'),
    class_embed_type: oneOf(null, 'timestep', 'identity', 'projection'),
    addition_embed_type: oneOf(null, 'text', 'text_time'),
    controlnet_conditioning_channel_order: oneOf('rgb', 'bgr'),
    global_pool_conditions: FLAG,
  },
  inert: { ...INERT_KEYS, dropout: 'a ControlNet has none' },
  fixed: {
    ...Object.fromEntries(Object.entries(NOT_A_CONTROLNETS).map(([key, only]) => [key, { only, instead }])),
    encoder_hid_dim: { only: null, instead: UNUSED },
    encoder_hid_dim_type: { only: null, instead: UNUSED },
  },
};

/** A control network for a video U-Net, which is ours. */
export const VIDEO_CONTROLNET_SCHEMA: ConfigSchema = {
  model: 'ControlNetSpatioTemporalModel',
  keys: { ...SPATIO_TEMPORAL_KEYS, ...HINT_KEYS },
  inert: { sample_size: INERT_KEYS.sample_size },
};

const HINT_WIDTHS = [16, 32, 96, 256];

/** The hint encoder a config describes. */
export const hintEncoder = (config: HintConfig, outChannels: number, connection: Connection): HintEncoder =>
  new HintEncoder(config.conditioning_channels ?? 3, config.conditioning_embedding_out_channels ?? HINT_WIDTHS, outChannels, connection);

/** Pixels of the condition per latent along a side. */
export const hintFactor = ({ conditioning_embedding_out_channels: widths = HINT_WIDTHS }: HintConfig): number => 2 ** (widths.length - 1);

/**
 * `sample: [..., C, H, W]`, `condition: [..., K, f H, f W]`. @throws ControlNetError invalid-input when the hint encoder would not meet the
 * latent's size.
 */
export function checkCondition(config: HintConfig, sample: tf.Tensor, condition: tf.Tensor): void {
  const factor = hintFactor(config);
  const [height, width] = sample.shape.slice(-2) as [number, number];
  const expected = [...sample.shape.slice(0, -3), config.conditioning_channels ?? 3, height * factor, width * factor];
  if (condition.shape.join() !== expected.join()) {
    throw new ControlNetError(
      'invalid-input',
      `condition: expected [${expected.join(', ')}] (${factor} pixels per latent), got [${condition.shape.join(', ')}]`,
      { expected, shape: condition.shape },
    );
  }
}

/** Applies scale and guess mode. */
function applyOptions(residuals: ControlResiduals, { conditioningScale = 1, guessMode = false }: ControlOptions): ControlResiduals {
  return scaleResiduals(residuals, conditioningScale, guessMode ? guessModeWeights(residuals.downBlockResiduals.length + 1) : undefined);
}

/** What the connections of a network make of its states and of what comes out of its middle. */
export const connected = (
  { controlnet_down_blocks: down, controlnet_mid_block: mid }: { controlnet_down_blocks: readonly Conv2d[]; controlnet_mid_block: Conv2d },
  states: readonly tf.Tensor[],
  middle: tf.Tensor,
  options: ControlOptions,
): ControlResiduals =>
  applyOptions(
    { downBlockResiduals: down.map((conv, i) => conv.forward(states[i] as tf.Tensor)), midBlockResidual: mid.forward(middle) },
    options,
  );

const reversedChannels = (x: tf.Tensor): tf.Tensor => tf.concat(tf.split(x, x.shape[1] as number, 1).reverse(), 1);

/** The mean of every residual over its pixels, `[N, C_i, 1, 1]`. */
const overAllPixels = ({ downBlockResiduals, midBlockResidual }: ControlResiduals): ControlResiduals => ({
  downBlockResiduals: downBlockResiduals.map((residual) => tf.mean(residual, [2, 3], true)),
  midBlockResidual: tf.mean(midBlockResidual, [2, 3], true),
});

/** A copy of a U-Net's encoder with a hint encoder in front and connections to the U-Net behind. */
abstract class ControlledEncoder extends UNetEncoder {
  controlnet_cond_embedding: HintEncoder | null;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d | null;

  /** @throws ControlNetError invalid-config for levels that are not some of the encoder's */
  constructor(encoder: ResolvedEncoder, config: HintConfig, options: ConnectionOptions) {
    super(encoder);
    const { connection = 'zero', onlyMid = false, hint = true, levels } = options;
    const connect = (channels: number) => connectingConv(connection, channels, channels, 1);
    const states = encoderStates(encoder);
    this.controlnet_cond_embedding = hint ? hintEncoder(config, states[0]?.channels as number, connection) : null;
    if (levels === undefined) {
      this.controlnet_down_blocks = onlyMid ? [] : states.map(({ channels }) => connect(channels));
      this.controlnet_mid_block = connect(states.at(-1)?.channels as number);
      return;
    }
    checkLevels(encoder, levels, onlyMid);
    this.down_blocks = this.down_blocks.slice(0, levels);
    this.mid_block = null;
    this.controlnet_down_blocks = states.slice(0, statesOf(encoder, levels)).map(({ channels }) => connect(channels));
    this.controlnet_mid_block = null;
  }

  /** `x: [N, C, H, W]`, `condition: [N, K, f H, f W]`, or without a hint encoder as `x`. */
  protected control(x: tf.Tensor, conditions: Conditions, condition: tf.Tensor, options: ControlOptions): ControlResiduals {
    const hint = this.controlnet_cond_embedding;
    const h = hint === null ? this.conv_in.forward(condition) : tf.add(this.conv_in.forward(x), hint.forward(condition));
    const encoded = this.runDownBlocks(h, conditions);
    const { controlnet_down_blocks, controlnet_mid_block } = this;
    if (controlnet_mid_block === null) return applyOptions(this.#filledUp(encoded.states), options);
    const middle = this.mid_block?.forward(encoded.x, conditions) ?? encoded.x;
    return connected({ controlnet_down_blocks, controlnet_mid_block }, encoded.states, middle, options);
  }

  /** What the levels that were copied add, and zeros for the others and the middle block. */
  #filledUp(states: readonly tf.Tensor[]): ControlResiduals {
    const [n, , height, width] = states[0]!.shape as [number, number, number, number];
    const all = encoderStates(this.encoder);
    const zeros = ({ channels, factor }: { channels: number; factor: number }): tf.Tensor =>
      tf.zeros([n, channels, Math.ceil(height / factor), Math.ceil(width / factor)]);
    return {
      downBlockResiduals: all.map((state, i) => this.controlnet_down_blocks[i]?.forward(states[i]!) ?? zeros(state)),
      midBlockResidual: zeros(all.at(-1)!),
    };
  }
}

/** @throws ControlNetError invalid-config */
function checkLevels({ levels: { length }, model }: ResolvedEncoder, levels: number, onlyMid: boolean): void {
  if (!Number.isInteger(levels) || levels < 1 || levels >= length)
    throw new ControlNetError('invalid-config', `levels: ${model} has ${length}; a part of them is 1 to ${length - 1}, got ${levels}`, {
      levels,
    });
  if (onlyMid) throw new ControlNetError('invalid-config', 'levels: of some levels the middle block is not one', { levels, onlyMid });
}

/** How many of an encoder's states its first levels have: conv_in's, one a layer, and those of their downsamplers. */
const statesOf = ({ levels }: ResolvedEncoder, count: number): number =>
  levels.slice(0, count).reduce((sum, { layers }) => sum + layers + 1, 1);

/**
 * ControlNet: a trainable copy of the U-Net's encoder, fed with the noisy latents plus the encoded condition, tied to the
 * U-Net's skips and middle block by zero convolutions. Source: ControlNet (ICCV 2023), section 3; diffusers `ControlNetModel`.
 */
export class ControlNetModel extends ControlledEncoder {
  readonly config: Readonly<ControlNetConfig>;

  constructor(config: ControlNetConfig, options: ConnectionOptions = {}) {
    // The class of a time step is embedded with SiLU, whatever act_fn says: diffusers passes it on in its U-Net alone.
    super(resolveEncoder(CONTROLNET_SCHEMA, config, { classActivation: 'silu' }), config, options);
    this.config = config;
  }

  /**
   * @param sample noisy latents `z_t: [N, C, H, W]`
   * @param timesteps `t: [N]`, float, in training steps
   * @param encoderHiddenStates text `c_t: [N, S, D]`
   * @param controlnetCond condition image `c_i: [N, K, f H, f W]`, in [0, 1]; without a hint encoder its latents `[N, C, H, W]`
   * @param options strength; `addedConditions` for SDXL; what else the config asks for
   * @throws ControlNetError invalid-input, CoreBlocksError invalid-input on wrong shapes
   */
  forward(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    encoderHiddenStates: tf.Tensor,
    controlnetCond: tf.Tensor,
    options: ControlOptions & ConditionOptions = {},
  ): ControlResiduals {
    const conditions = this.conditionImages(sample, timesteps, encoderHiddenStates, options);
    if (this.controlnet_cond_embedding !== null) checkCondition(this.config, sample, controlnetCond);
    const { controlnet_conditioning_channel_order: order, global_pool_conditions: pooled = false } = this.config;
    const condition = order === 'bgr' ? reversedChannels(controlnetCond) : controlnetCond;
    const residuals = this.control(sample, conditions, condition, pooled ? { ...options, guessMode: false } : options);
    return pooled ? overAllPixels(residuals) : residuals;
  }
}

/**
 * ControlNet for a video U-Net by the same recipe: a copy of its encoder, sees the frames' conditions. None was released for
 * Stable Video Diffusion; the ControlNeXt paper compares with one of 682M parameters, the size this one has.
 * Source: ControlNeXt (2024), table 5.
 */
export class ControlNetSpatioTemporalModel extends ControlledEncoder {
  readonly config: Readonly<ControlNetSpatioTemporalConfig>;

  constructor(config: ControlNetSpatioTemporalConfig, options: ConnectionOptions = {}) {
    super(resolveSpatioTemporalEncoder(VIDEO_CONTROLNET_SCHEMA, config), config, options);
    this.config = config;
  }

  /**
   * @param sample the U-Net's input `[B, F, C, H, W]`
   * @param timesteps `[B]`
   * @param encoderHiddenStates image embedding `[B, S, D]`
   * @param addedTimeIds `[B, K]`
   * @param controlnetCond a condition image per frame, `[B, F, K, f H, f W]`, in [0, 1]
   * @returns residuals `[B F, C_i, h_i, w_i]`
   * @throws ControlNetError invalid-input, CoreBlocksError invalid-input on wrong shapes
   */
  forward(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    encoderHiddenStates: tf.Tensor,
    addedTimeIds: tf.Tensor,
    controlnetCond: tf.Tensor,
    options: ControlOptions = {},
  ): ControlResiduals {
    const { x, conditions } = this.conditionVideos(sample, timesteps, encoderHiddenStates, addedTimeIds);
    checkCondition(this.config, sample, controlnetCond);
    return this.control(x, conditions, tf.reshape(controlnetCond, [x.shape[0] as number, ...controlnetCond.shape.slice(2)]), options);
  }
}

/**
 * Initial parameters of a ControlNet: its encoder is a copy of the U-Net's, the hint encoder and the connections begin as
 * their layers say. `prefix` is for the names that come out.
 * @param unet the U-Net's state dict, without a prefix
 * @throws ControlNetError unet-mismatch naming every parameter the U-Net lacks or has in another shape
 */
export function initializeFromUNet(
  controlnet: ControlNetModel | ControlNetSpatioTemporalModel,
  unet: Weights,
  seed: number,
  prefix = '',
): Record<string, HostTensor> {
  const problems: string[] = [];
  const copied: Record<string, HostTensor> = {};
  for (const [name, { shape }] of controlnet.parameters()) {
    if (name.startsWith('controlnet_')) continue;
    const source = unet[name];
    if (!source) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (source.shape.join() !== shape.join())
      problems.push(`${name}: expected [${shape.join(', ')}], the U-Net has [${source.shape.join(', ')}]`);
    else copied[prefix ? `${prefix}.${name}` : name] = { data: readConstant(source).data.slice(), shape };
  }
  if (problems.length)
    throw new ControlNetError('unet-mismatch', `the U-Net's encoder is not the one this ControlNet copies:\n  ${problems.join('\n  ')}`, {
      problems,
    });
  return { ...initialize(controlnet, seed, prefix), ...copied };
}

/** ControlNet for Stable Diffusion 1.x: 361,279,120 parameters. */
export const controlNetSd15 = () => new ControlNetModel(SD15_ENCODER);

/** ControlNet for Stable Diffusion 2.x: 364,228,240 parameters. */
export const controlNetSd21 = () => new ControlNetModel(SD21_ENCODER);

/** ControlNet for Stable Diffusion XL: 1,251,014,160 parameters. */
export const controlNetSdxl = () => new ControlNetModel(SDXL_ENCODER);

/** ControlNet for Stable Video Diffusion: 682,021,537 parameters. */
export const controlNetSvd = () => new ControlNetSpatioTemporalModel(SVD_ENCODER);
