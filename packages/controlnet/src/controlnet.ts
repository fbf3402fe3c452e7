import * as tf from '@tensorflow/tfjs';
import {
  Conv2d,
  SD15_ENCODER,
  SD21_ENCODER,
  SDXL_ENCODER,
  SVD_ENCODER,
  UNetEncoder,
  encoderStates,
  initialize,
  readConstant,
  resolveEncoder,
  resolveSpatioTemporalEncoder,
  type AddedConditions,
  type Conditions,
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
export interface ControlNetConfig extends UNetEncoderConfig, HintConfig {}

/** Config of a control network for a video U-Net. */
export interface ControlNetSpatioTemporalConfig extends SpatioTemporalEncoderConfig, HintConfig {}

/** How a control network is tied to the U-Net. */
export interface ConnectionOptions {
  /** How its connecting convolutions begin. Default `zero`. */
  connection?: Connection;
  /** Connect the middle block alone; there are no other connecting convolutions then. Default false. */
  onlyMid?: boolean;
}

/** How strongly a control acts. */
export interface ControlOptions {
  /** Multiplies every residual. Default 1. */
  conditioningScale?: Strength;
  /** Weighs the connections by {@link guessModeWeights}, for sampling without a prompt. Default false. */
  guessMode?: boolean;
}

const HINT_KEYS = ['conditioning_channels', 'conditioning_embedding_out_channels'];
const HINT_WIDTHS = [16, 32, 96, 256];

/** The hint encoder a config describes. @throws ControlNetError invalid-config */
export function hintEncoder(config: HintConfig, outChannels: number, connection: Connection): HintEncoder {
  const widths = config.conditioning_embedding_out_channels ?? HINT_WIDTHS;
  if (widths.length === 0)
    throw new ControlNetError('invalid-config', 'conditioning_embedding_out_channels must name at least one width', { config });
  return new HintEncoder(config.conditioning_channels ?? 3, widths, outChannels, connection);
}

/**
 * `sample: [..., C, H, W]`, `condition: [..., K, f H, f W]`. @throws ControlNetError invalid-input when the hint encoder would not meet the
 * latent's size.
 */
export function checkCondition(config: HintConfig, sample: tf.Tensor, condition: tf.Tensor): void {
  const factor = 2 ** ((config.conditioning_embedding_out_channels ?? HINT_WIDTHS).length - 1);
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
export function applyOptions(residuals: ControlResiduals, { conditioningScale = 1, guessMode = false }: ControlOptions): ControlResiduals {
  return scaleResiduals(residuals, conditioningScale, guessMode ? guessModeWeights(residuals.downBlockResiduals.length + 1) : undefined);
}

/** A copy of a U-Net's encoder with a hint encoder in front and connections to the U-Net behind. */
abstract class ControlledEncoder extends UNetEncoder {
  controlnet_cond_embedding: HintEncoder;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d;

  constructor(encoder: ResolvedEncoder, config: HintConfig, { connection = 'zero', onlyMid = false }: ConnectionOptions) {
    super(encoder);
    const connect = (channels: number) => connectingConv(connection, channels, channels, 1);
    const states = encoderStates(encoder);
    this.controlnet_cond_embedding = hintEncoder(config, states[0]?.channels as number, connection);
    this.controlnet_down_blocks = onlyMid ? [] : states.map(({ channels }) => connect(channels));
    this.controlnet_mid_block = connect(states.at(-1)?.channels as number);
  }

  /** `x: [N, C, H, W]`, `condition: [N, K, f H, f W]`. */
  protected control(x: tf.Tensor, conditions: Conditions, condition: tf.Tensor, options: ControlOptions): ControlResiduals {
    const h = tf.add(this.conv_in.forward(x), this.controlnet_cond_embedding.forward(condition));
    const encoded = this.runDownBlocks(h, conditions);
    const middle = this.mid_block.forward(encoded.x, conditions);
    return applyOptions(
      {
        downBlockResiduals: this.controlnet_down_blocks.map((conv, i) => conv.forward(encoded.states[i] as tf.Tensor)),
        midBlockResidual: this.controlnet_mid_block.forward(middle),
      },
      options,
    );
  }
}

/**
 * ControlNet: a trainable copy of the U-Net's encoder, fed with the noisy latents plus the encoded condition, tied to the
 * U-Net's skips and middle block by zero convolutions. Source: ControlNet (ICCV 2023), section 3; diffusers `ControlNetModel`.
 */
export class ControlNetModel extends ControlledEncoder {
  readonly config: Readonly<ControlNetConfig>;

  constructor(config: ControlNetConfig, options: ConnectionOptions = {}) {
    super(resolveEncoder('ControlNetModel', config, HINT_KEYS), config, options);
    this.config = config;
  }

  /**
   * @param sample noisy latents `z_t: [N, C, H, W]`
   * @param timesteps `t: [N]`, float, in training steps
   * @param encoderHiddenStates text `c_t: [N, S, D]`
   * @param controlnetCond condition image `c_i: [N, K, f H, f W]`, in [0, 1]
   * @param options strength; `addedConditions` for SDXL
   * @throws ControlNetError invalid-input, CoreBlocksError invalid-input on wrong shapes
   */
  forward(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    encoderHiddenStates: tf.Tensor,
    controlnetCond: tf.Tensor,
    options: ControlOptions & { addedConditions?: AddedConditions } = {},
  ): ControlResiduals {
    const conditions = this.conditionImages(sample, timesteps, encoderHiddenStates, options.addedConditions);
    checkCondition(this.config, sample, controlnetCond);
    return this.control(sample, conditions, controlnetCond, options);
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
    super(resolveSpatioTemporalEncoder('ControlNetSpatioTemporalModel', config, HINT_KEYS), config, options);
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
