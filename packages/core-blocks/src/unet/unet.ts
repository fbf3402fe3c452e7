import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';
import type { Companion } from './companion.ts';
import { channelsAt, injectAt, type Injection } from './injection.ts';
import { Conv2d, GroupNorm } from '../layers/layers.ts';
import { UpBlock, type Conditions } from './blocks.ts';
import {
  encoderStates,
  resolveDecoder,
  resolveEncoder,
  resolveSpatioTemporalEncoder,
  type BlockSettings,
  type DecoderConfig,
  type ResolvedEncoder,
  type SpatioTemporalEncoderConfig,
  type UNetEncoderConfig,
  type UNetOnlyConfig,
} from './config.ts';
import { UNET_SCHEMA, VIDEO_UNET_SCHEMA } from './config-keys.ts';
import { UNetEncoder, commonOptions, type ConditionOptions } from './encoder.ts';

/**
 * Config of a text-conditioned U-Net (SD1.x, SD2.x, SDXL and smaller). Keys and defaults are diffusers', so a published config.json fits.
 */
export interface UNet2DConditionConfig extends UNetEncoderConfig, UNetOnlyConfig, DecoderConfig {}

/** Config of a video U-Net (SVD). Keys and defaults are diffusers', so a published config.json fits. */
export interface UNetSpatioTemporalConditionConfig extends SpatioTemporalEncoderConfig, DecoderConfig {}

/** Keys that only the decoder reads. */
const DECODER_KEYS = ['out_channels', 'up_block_types', 'conv_out_kernel', 'reverse_transformer_layers_per_block'];

/** The part of a U-Net's config that the ControlNet which copies its encoder shares. */
export const encoderOf = <C extends DecoderConfig>(config: C): Omit<C, keyof DecoderConfig> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !DECODER_KEYS.includes(key))) as Omit<C, keyof DecoderConfig>;

/** Additions from a control network, in the order of {@link encoderStates}; a video's frames are part of the batch. */
export interface UNetResiduals {
  downBlockAdditionalResiduals?: readonly tf.Tensor[];
  midBlockAdditionalResidual?: tf.Tensor;
}

/**
 * What a U-Net's forward may get beside its main arguments: what a ControlNet adds, a ControlNeXt's change of the main branch, or a network
 * that runs beside it.
 */
export interface UNetOptions extends UNetResiduals {
  inject?: Injection;
  companion?: Companion;
}

/** Encoder, middle block, and a decoder that joins the encoder's states. */
abstract class UNet extends UNetEncoder {
  up_blocks: UpBlock[];
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(encoder: ResolvedEncoder, decoder: readonly BlockSettings[], options: { outChannels: number; kernel: number }) {
    super(encoder);
    const { levels, timeEmbedDim: tembChannels, groups, eps } = encoder;
    const skips = encoderStates(encoder).map(({ channels }) => channels);
    let width = levels.at(-1)?.channels as number;
    this.up_blocks = levels.toReversed().map(({ channels, layers }, i) => {
      const own = Array.from({ length: layers + 1 }, () => skips.pop() as number);
      const block = new UpBlock(width, channels, own, {
        ...commonOptions(encoder),
        ...(decoder[i] as BlockSettings),
        tembChannels,
        eps: eps.up,
        upsample: i < levels.length - 1,
      });
      width = channels;
      return block;
    });
    this.conv_norm_out = new GroupNorm(groups, width, eps.out);
    this.conv_out = new Conv2d(width, options.outChannels, options.kernel, { padding: (options.kernel - 1) / 2 });
  }

  /** @throws CoreBlocksError invalid-input for a point that this U-Net does not have */
  #checkPoint({ point }: Injection): void {
    const widths = this.encoder.levels.map(({ channels }) => channels);
    channelsAt(point, widths);
  }

  /** `x: [N, C, H, W]` to the prediction `[N, C', H, W]`. */
  protected predict(x: tf.Tensor, conditions: Conditions, options: UNetOptions): tf.Tensor {
    const { downBlockAdditionalResiduals: additions, midBlockAdditionalResidual, inject, companion } = options;
    if (inject) this.#checkPoint(inject);
    const { centerInput, activation } = this.encoder;
    const centred = centerInput ? tf.sub(tf.mul(x, 2), 1) : x;
    const first = this.conv_in.forward(centred);
    const encoded = this.runDownBlocks(companion?.encoded(first, { state: 0, input: centred, conditions }) ?? first, conditions, options);
    let { states } = encoded;
    const middle = this.mid_block?.forward(encoded.x, conditions) ?? encoded.x;
    const answered = companion?.encoded(middle, { state: states.length, input: encoded.x, conditions }) ?? middle;
    if (additions) {
      if (additions.length !== states.length)
        throw new CoreBlocksError(
          'invalid-input',
          `downBlockAdditionalResiduals: expected ${states.length} tensors, got ${additions.length}`,
          { count: additions.length },
        );
      states = states.map((state, i) => tf.add(state, additions[i] as tf.Tensor));
    }
    let h = injectAt('mid_block', answered, inject);
    if (midBlockAdditionalResidual) h = tf.add(h, midBlockAdditionalResidual);
    for (const block of this.up_blocks) h = block.forward(h, states, conditions, companion);
    return this.conv_out.forward(this.conv_norm_out.activated(h, activation));
  }
}

/** The U-Net of latent diffusion with text cross-attention. Source: diffusers `UNet2DConditionModel`. */
export class UNet2DConditionModel extends UNet {
  readonly #config: UNet2DConditionConfig;

  constructor(config: UNet2DConditionConfig) {
    const encoder = resolveEncoder(UNET_SCHEMA, config);
    super(encoder, resolveDecoder(encoder, config), { outChannels: config.out_channels ?? 4, kernel: config.conv_out_kernel ?? 3 });
    this.#config = config;
  }

  /** What it was made from. */
  get config(): UNet2DConditionConfig {
    return this.#config;
  }

  /**
   * @param sample noisy latents `z_t: [N, C, H, W]`, of any height and width
   * @param timesteps `t: [N]`, float, in training steps
   * @param encoderHiddenStates text `c_t: [N, S, D]`
   * @param options residuals `[N, C_i, H_i, W_i]`, an injection; `addedConditions` for SDXL; what else the config asks for
   * @returns the prediction `[N, C', H, W]`
   * @throws CoreBlocksError invalid-input on wrong shapes, a wrong number of residuals or an unknown injection point
   */
  forward(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    encoderHiddenStates: tf.Tensor,
    options: UNetOptions & ConditionOptions = {},
  ): tf.Tensor {
    return this.predict(sample, this.conditionImages(sample, timesteps, encoderHiddenStates, options), options);
  }
}

/**
 * The U-Net of Stable Video Diffusion: every layer sees single frames, then all frames at each place. Source: diffusers
 * `UNetSpatioTemporalConditionModel`.
 */
export class UNetSpatioTemporalConditionModel extends UNet {
  readonly #config: UNetSpatioTemporalConditionConfig;

  constructor(config: UNetSpatioTemporalConditionConfig) {
    const encoder = resolveSpatioTemporalEncoder(VIDEO_UNET_SCHEMA, config);
    super(encoder, resolveDecoder(encoder, config), { outChannels: config.out_channels ?? 4, kernel: 3 });
    this.#config = config;
  }

  /** What it was made from. */
  get config(): UNetSpatioTemporalConditionConfig {
    return this.#config;
  }

  /**
   * @param sample noisy latents and the image's latents, `[B, F, C, H, W]`
   * @param timesteps `[B]`; SVD's is log(sigma) / 4
   * @param encoderHiddenStates image embedding `[B, S, D]`, S = 1 in SVD
   * @param addedTimeIds frames per second less one, motion bucket, noise augmentation: `[B, 3]` in SVD
   * @param options residuals `[B F, C_i, H_i, W_i]`, or an injection into features `[B F, C, h, w]`
   * @returns the prediction `[B, F, C', H, W]`
   * @throws CoreBlocksError invalid-input on wrong shapes, a wrong number of residuals or an unknown injection point
   */
  forward(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    encoderHiddenStates: tf.Tensor,
    addedTimeIds: tf.Tensor,
    options: UNetOptions = {},
  ): tf.Tensor {
    const { x, conditions } = this.conditionVideos(sample, timesteps, encoderHiddenStates, addedTimeIds);
    const y = this.predict(x, conditions, options);
    return tf.reshape(y, [...sample.shape.slice(0, 2), ...y.shape.slice(1)]);
  }
}
