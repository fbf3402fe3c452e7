import type * as tf from '@tensorflow/tfjs';
import {
  CoreBlocksError,
  encoderOf,
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  type Denoiser,
  type LatentEncoder,
  type LatentSize,
  type ResolvedEncoder,
  type UNet2DConditionConfig,
  type UNetSpatioTemporalConditionConfig,
} from '@controllab/core-blocks';
import type { NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';

/** How a U-Net is used, beside its config. */
export interface DenoiserSetting {
  /** See `ControlTarget`. */
  readonly family: string;
  /** Pixels per latent along a side. */
  readonly factor: number;
  /** The size that it was trained on, or is used at. */
  readonly latent: LatentSize;
  /** Tokens of the text. */
  readonly tokens: number;
  /** Channels that the input is widened by, see `Control.extraInputs`; 0. */
  readonly extraInputs?: number;
  /** See `Denoiser`; none. */
  readonly latentEncoder?: LatentEncoder;
}

const at = (t: NamedTensors, name: string): tf.Tensor => t[name] as tf.Tensor;
const specs = (shapes: Record<string, readonly number[]>): Record<string, TensorSpec> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));

/** Numbers that SDXL's base is told of a picture's size. */
const SIZE_CONDITIONS = 6;

/**
 * Networks that the layers build, but that want what a denoiser of text and time has not got.
 * @throws CoreBlocksError invalid-config naming the key
 */
export function checkConditions({ model, addition, classes, contextProjection, time }: ResolvedEncoder): void {
  const wanted = [
    ...(classes === null ? [] : [`class labels (class_embed_type ${classes.kind})`]),
    ...(addition?.kind === 'text_image' || addition?.kind === 'image' ? [`an image embedding (addition_embed_type ${addition.kind})`] : []),
    ...(contextProjection && contextProjection.kind !== 'text_proj'
      ? [`an image embedding (encoder_hid_dim_type ${contextProjection.kind})`]
      : []),
    ...(time.conditionChannels === null ? [] : ['an embedding of the guidance scale (time_cond_proj_dim): a latent consistency model']),
  ];
  if (wanted.length)
    throw new CoreBlocksError('invalid-config', `${model}: this network also wants ${wanted.join(', ')}, which is not given here`, {
      wanted,
    });
}

/**
 * An image U-Net as a denoiser: Stable Diffusion 1.x, 2.x, XL (which also reads `textEmbeds` [N, P] and `timeIds` [N, K]), and the embedded
 * default.
 * @param setting.timeIds K, for an architecture that reads them: 6, the refiner 5
 * @throws CoreBlocksError invalid-config naming what of a config is not built
 */
export function imageDenoiser(config: UNet2DConditionConfig, setting: DenoiserSetting & { readonly timeIds?: number }): Denoiser {
  const { family, factor, tokens, latent, latentEncoder, extraInputs = 0, timeIds = SIZE_CONDITIONS } = setting;
  const own = new UNet2DConditionModel(config);
  const { inChannels: channels, contextChannels } = own.encoder;
  checkConditions(own.encoder);
  const addition = own.encoder.addition?.kind === 'text_time' ? own.encoder.addition : null;
  const unet = extraInputs === 0 ? own : new UNet2DConditionModel({ ...config, in_channels: channels + extraInputs });
  const added = (n: number): Record<string, number[]> =>
    addition === null ? {} : { textEmbeds: [n, addition.inputDim - timeIds * addition.timeDim], timeIds: [n, timeIds] };
  return {
    target: { family, factor, video: false, encoder: encoderOf(config) },
    ...(latentEncoder === undefined ? {} : { latentEncoder }),
    unet,
    inputs: (n, { height, width } = latent) =>
      specs({
        sample: [n, channels, height, width],
        timesteps: [n],
        context: [n, tokens, contextChannels],
        ...added(n),
      }),
    predict: (t, { sample = at(t, 'sample'), context = at(t, 'context'), ...options } = {}) =>
      unet.forward(sample, at(t, 'timesteps'), context, {
        ...options,
        ...(addition === null ? {} : { addedConditions: { textEmbeds: at(t, 'textEmbeds'), timeIds: at(t, 'timeIds') } }),
      }),
  };
}

/**
 * Stable Video Diffusion's U-Net as a denoiser: `sample` [N, F, C, h, w], `context` [N, S, D], `timeIds` [N, 3] (frames per second less
 * one, motion bucket, noise augmentation).
 * @throws CoreBlocksError invalid-config naming what of a config is not built
 */
export function videoDenoiser(config: UNetSpatioTemporalConditionConfig, setting: DenoiserSetting & { readonly frames: number }): Denoiser {
  const { family, factor, tokens, latent, frames, extraInputs = 0 } = setting;
  const own = new UNetSpatioTemporalConditionModel(config);
  const { inChannels: channels, contextChannels } = own.encoder;
  const unet = extraInputs === 0 ? own : new UNetSpatioTemporalConditionModel({ ...config, in_channels: channels + extraInputs });
  const timeIds = config.projection_class_embeddings_input_dim / config.addition_time_embed_dim;
  return {
    target: { family, factor, video: true, encoder: encoderOf(config) },
    unet,
    inputs: (n, { height, width } = latent) =>
      specs({
        sample: [n, frames, channels, height, width],
        timesteps: [n],
        context: [n, tokens, contextChannels],
        timeIds: [n, timeIds],
      }),
    predict: (t, { sample = at(t, 'sample'), context = at(t, 'context'), ...options } = {}) =>
      unet.forward(sample, at(t, 'timesteps'), context, at(t, 'timeIds'), options),
  };
}
