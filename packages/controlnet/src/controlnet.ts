import * as tf from '@tensorflow/tfjs';
import { Conv2d, SD15_ENCODER, SD21_ENCODER, UNetEncoder, encoderStates, initialize, type UNetEncoderConfig } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { connectingConv, type Connection } from './connection.ts';
import { ControlNetError } from './errors.ts';
import { HintEncoder } from './hint-encoder.ts';
import { guessModeWeights, scaleResiduals, type ControlResiduals, type Strength } from './residuals.ts';

/** Config of a control network: the encoder of the U-Net it controls, and its hint encoder. Keys and defaults are diffusers'. */
export interface ControlNetConfig extends UNetEncoderConfig {
  conditioning_channels?: number; // 3
  /** Widths of the hint encoder; n of them shrink the condition by 2^(n-1). */
  conditioning_embedding_out_channels?: readonly number[]; // [16, 32, 96, 256]
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
export function hintEncoder(config: ControlNetConfig, connection: Connection): HintEncoder {
  const widths = config.conditioning_embedding_out_channels ?? HINT_WIDTHS;
  if (widths.length === 0) throw new ControlNetError('invalid-config', 'conditioning_embedding_out_channels must name at least one width', { config });
  return new HintEncoder(config.conditioning_channels ?? 3, widths, config.block_out_channels[0] as number, connection);
}

/** @throws ControlNetError invalid-input when the hint encoder would not meet the latent's size. */
export function checkCondition(config: ControlNetConfig, sample: tf.Tensor, condition: tf.Tensor): void {
  const factor = 2 ** ((config.conditioning_embedding_out_channels ?? HINT_WIDTHS).length - 1);
  const [n, , height, width] = sample.shape as [number, number, number, number];
  const expected = [n, config.conditioning_channels ?? 3, height * factor, width * factor];
  if (condition.shape.join() !== expected.join()) {
    throw new ControlNetError('invalid-input', `condition: expected [${expected.join(', ')}] (${factor} pixels per latent), got [${condition.shape.join(', ')}]`, { expected, shape: condition.shape });
  }
}

/** Applies scale and guess mode. */
export function applyOptions(residuals: ControlResiduals, { conditioningScale = 1, guessMode = false }: ControlOptions): ControlResiduals {
  return scaleResiduals(residuals, conditioningScale, guessMode ? guessModeWeights(residuals.downBlockResiduals.length + 1) : undefined);
}

/**
 * ControlNet: a trainable copy of the U-Net's encoder, fed with the noisy latents plus the encoded condition, tied to the
 * U-Net's skips and middle block by zero convolutions. Source: ControlNet (ICCV 2023), section 3; diffusers `ControlNetModel`.
 */
export class ControlNetModel extends UNetEncoder {
  controlnet_cond_embedding: HintEncoder;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d;
  readonly config: Readonly<ControlNetConfig>;

  constructor(config: ControlNetConfig, options: { connection?: Connection } = {}) {
    super('ControlNetModel', config, HINT_KEYS);
    const connection = options.connection ?? 'zero';
    const connect = (channels: number) => connectingConv(connection, channels, channels, 1);
    this.controlnet_cond_embedding = hintEncoder(config, connection);
    this.controlnet_down_blocks = encoderStates(this.encoder).map(({ channels }) => connect(channels));
    this.controlnet_mid_block = connect(config.block_out_channels.at(-1) as number);
    this.config = config;
  }

  /**
   * @param sample noisy latents `z_t: [N, C, H, W]`
   * @param timesteps `t: [N]`, float, in training steps
   * @param encoderHiddenStates text `c_t: [N, S, D]`
   * @param controlnetCond condition image `c_i: [N, K, f H, f W]`, in [0, 1]
   * @throws ControlNetError invalid-input, CoreBlocksError invalid-input on wrong shapes
   */
  forward(sample: tf.Tensor, timesteps: tf.Tensor, encoderHiddenStates: tf.Tensor, controlnetCond: tf.Tensor, options: ControlOptions = {}): ControlResiduals {
    this.checkSample(sample, timesteps, encoderHiddenStates);
    checkCondition(this.config, sample, controlnetCond);
    const temb = this.embedTime(timesteps);
    const h = tf.add(this.conv_in.forward(sample), this.controlnet_cond_embedding.forward(controlnetCond));
    const { x, states } = this.runDownBlocks(h, temb, encoderHiddenStates);
    const middle = this.mid_block.forward(x, temb, encoderHiddenStates);
    return applyOptions(
      {
        downBlockResiduals: this.controlnet_down_blocks.map((conv, i) => conv.forward(states[i] as tf.Tensor)),
        midBlockResidual: this.controlnet_mid_block.forward(middle),
      },
      options,
    );
  }
}

/**
 * Initial parameters of a ControlNet: its encoder is a copy of the U-Net's, the hint encoder and the connections begin as
 * their layers say. `prefix` is for the names that come out.
 * @param unet the U-Net's state dict, without a prefix
 * @throws ControlNetError unet-mismatch naming every parameter the U-Net lacks or has in another shape
 */
export function initializeFromUNet(controlnet: ControlNetModel, unet: Readonly<Record<string, HostTensor>>, seed: number, prefix = ''): Record<string, HostTensor> {
  const problems: string[] = [];
  const copied: Record<string, HostTensor> = {};
  for (const [name, { shape }] of controlnet.parameters()) {
    if (name.startsWith('controlnet_')) continue;
    const source = unet[name];
    if (!source) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (source.shape.join() !== shape.join()) problems.push(`${name}: expected [${shape.join(', ')}], the U-Net has [${source.shape.join(', ')}]`);
    else copied[prefix ? `${prefix}.${name}` : name] = { data: source.data.slice(), shape };
  }
  if (problems.length) throw new ControlNetError('unet-mismatch', `the U-Net's encoder is not the one this ControlNet copies:\n  ${problems.join('\n  ')}`, { problems });
  return { ...initialize(controlnet, seed, prefix), ...copied };
}

/** ControlNet for Stable Diffusion 1.x: 361,279,120 parameters. */
export const controlNetSd15 = () => new ControlNetModel(SD15_ENCODER);

/** ControlNet for Stable Diffusion 2.x: 364,228,240 parameters. */
export const controlNetSd21 = () => new ControlNetModel(SD21_ENCODER);
