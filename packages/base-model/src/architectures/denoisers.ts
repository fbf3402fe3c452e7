import type * as tf from '@tensorflow/tfjs';
import {
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  type ControlTarget,
  type Denoiser,
  type UNet2DConditionConfig,
  type UNetSpatioTemporalConditionConfig,
} from '@controllab/core-blocks';
import type { NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';

/** How a U-Net is used, beside its config. */
export interface DenoiserSetting {
  /** See `ControlTarget`. */
  family: string;
  /** Pixels per latent along a side. */
  factor: number;
  /** Latents along each side of the size that it was trained on. */
  latent: { height: number; width: number };
  /** Tokens of the text. */
  tokens: number;
  /** Channels that the input is widened by. */
  extraInputs?: number;
}

const DEFAULT_CHANNELS = 4;

const at = (t: NamedTensors, name: string): tf.Tensor => t[name] as tf.Tensor;
const specs = (shapes: Record<string, readonly number[]>): Record<string, TensorSpec> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));

/** Keys of a U-Net's config that a copy of its encoder has no use for. */
const DECODER_KEYS = new Set(['up_block_types', 'out_channels', 'sample_size']);

/** The part of a U-Net's config that the ControlNet which copies its encoder shares. */
export const encoderOf = <C extends object>(config: C): Omit<C, 'up_block_types' | 'out_channels' | 'sample_size'> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !DECODER_KEYS.has(key))) as Omit<
    C,
    'up_block_types' | 'out_channels' | 'sample_size'
  >;

/**
 * Stable Diffusion's U-Net as a denoiser: 1.x, 2.x, XL (which also reads `textEmbeds` [N, P] and `timeIds` [N, 6]), and the embedded
 * default.
 * @throws CoreBlocksError for a config that it does not build
 */
export function imageDenoiser(config: UNet2DConditionConfig, setting: DenoiserSetting): Denoiser {
  const { family, factor, tokens, latent, extraInputs = 0 } = setting;
  const channels = config.in_channels ?? DEFAULT_CHANNELS;
  const unet = new UNet2DConditionModel(extraInputs === 0 ? config : { ...config, in_channels: channels + extraInputs });
  const { addition } = unet.encoder;
  const pooled =
    addition === null ? 0 : (config.projection_class_embeddings_input_dim ?? 0) - TIME_IDS * (config.addition_time_embed_dim ?? 0);
  const target: ControlTarget = { family, factor, video: false, encoder: encoderOf(config) };
  return {
    target,
    unet,
    inputs: (n, { height, width } = latent) =>
      specs({
        sample: [n, channels, height, width],
        timesteps: [n],
        context: [n, tokens, config.cross_attention_dim],
        ...(addition === null ? {} : { textEmbeds: [n, pooled], timeIds: [n, TIME_IDS] }),
      }),
    predict: (t, { sample, ...options } = {}) =>
      unet.forward(sample ?? at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), {
        ...options,
        ...(addition === null ? {} : { addedConditions: { textEmbeds: at(t, 'textEmbeds'), timeIds: at(t, 'timeIds') } }),
      }),
  };
}

/** Numbers that SDXL is told of a picture's size. */
const TIME_IDS = 6;
/** Frames per second less one, motion bucket, noise augmentation. */
const VIDEO_TIME_IDS = 3;

/** Stable Video Diffusion's U-Net as a denoiser: `sample` [N, F, C, h, w], `context` [N, 1, D], `timeIds` [N, 3]. */
export function videoDenoiser(config: UNetSpatioTemporalConditionConfig, setting: DenoiserSetting & { frames: number }): Denoiser {
  const { family, factor, tokens, latent, frames, extraInputs = 0 } = setting;
  const channels = config.in_channels ?? 2 * DEFAULT_CHANNELS;
  const unet = new UNetSpatioTemporalConditionModel(extraInputs === 0 ? config : { ...config, in_channels: channels + extraInputs });
  return {
    target: { family, factor, video: true, encoder: encoderOf(config) },
    unet,
    inputs: (n, { height, width } = latent) =>
      specs({
        sample: [n, frames, channels, height, width],
        timesteps: [n],
        context: [n, tokens, config.cross_attention_dim],
        timeIds: [n, VIDEO_TIME_IDS],
      }),
    predict: (t, { sample, ...options } = {}) =>
      unet.forward(sample ?? at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'timeIds'), options),
  };
}

/** Shape of the condition [N, 3, H, W] (a video's [N, F, 3, H, W]) that goes with a denoiser's inputs. */
export function conditionSpec({ target }: Pick<Denoiser, 'target'>, sample: TensorSpec): TensorSpec {
  const leading = target.video ? 2 : 1;
  return { shape: [...sample.shape.slice(0, leading), 3, ...sample.shape.slice(-2).map((side) => side * target.factor)] };
}
