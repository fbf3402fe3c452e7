import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from './error.ts';
import { checkInjection, injectAt, type Injection } from './injection.ts';
import { Conv2d, GroupNorm } from './layers.ts';
import { Module } from './module.ts';
import { TimestepEmbedding, timestepEmbedding } from './timestep.ts';
import { DownBlock2D, MidBlock2D, UpBlock2D } from './unet-blocks.ts';
import { encoderStates, resolveEncoder, type ResolvedEncoder, type UNetEncoderConfig } from './unet-config.ts';

/** Config of a text-conditioned U-Net (SD1.x, SD2.x and smaller). Keys and defaults are diffusers', so a published config.json fits. */
export interface UNet2DConditionConfig extends UNetEncoderConfig {
  out_channels?: number; // 4
  /** Per level, lowest resolution first: UpBlock2D or CrossAttnUpBlock2D; must mirror down_block_types. */
  up_block_types: readonly string[];
}

const DECODER_KEYS = ['out_channels', 'up_block_types'];

/**
 * The encoder half that a U-Net and a ControlNet share: time embedding, conv_in, down blocks, middle block.
 * Subclasses add what comes after (decoder) or beside (zero convolutions) it.
 */
export abstract class UNetEncoder extends Module {
  conv_in: Conv2d;
  time_embedding: TimestepEmbedding;
  down_blocks: DownBlock2D[];
  mid_block: MidBlock2D;
  readonly encoder: Readonly<ResolvedEncoder>;

  constructor(model: string, config: UNetEncoderConfig, otherKeys: readonly string[]) {
    super();
    const encoder = resolveEncoder(model, config, otherKeys);
    const { levels, timeEmbedDim, groups, eps } = encoder;
    const width = (i: number) => (levels[i] as (typeof levels)[number]).channels;
    const common = { tembChannels: timeEmbedDim, groups, eps };
    this.encoder = encoder;
    this.conv_in = new Conv2d(encoder.inChannels, width(0), 3, { padding: 1 });
    this.time_embedding = new TimestepEmbedding(width(0), timeEmbedDim);
    this.down_blocks = levels.map(
      ({ channels, attention }, i) => new DownBlock2D(width(Math.max(i - 1, 0)), channels, { ...common, layers: encoder.layersPerBlock, attention, downsample: i < levels.length - 1 }),
    );
    this.mid_block = new MidBlock2D(width(levels.length - 1), { ...common, attention: encoder.midAttention });
  }

  /** `timesteps: [N]` to `[N, T]`. */
  protected embedTime(timesteps: tf.Tensor): tf.Tensor {
    const { levels, flipSinToCos, freqShift } = this.encoder;
    return this.time_embedding.forward(timestepEmbedding(timesteps, levels[0]?.channels as number, { flipSinToCos, freqShift }));
  }

  /** Down blocks from the output `h: [N, C, H, W]` of conv_in; `states` begins with `h` itself and knows nothing of the injection. */
  protected runDownBlocks(h: tf.Tensor, temb: tf.Tensor, context: tf.Tensor, injection?: Injection): { x: tf.Tensor; states: tf.Tensor[] } {
    const states = [h];
    let x = injectAt('conv_in', h, injection);
    for (const [i, block] of this.down_blocks.entries()) {
      const out = block.forward(x, temb, context);
      states.push(...out.states);
      x = injectAt(`down_blocks.${i}`, out.x, injection);
    }
    return { x, states };
  }

  /** @throws CoreBlocksError invalid-input when the sample does not survive the downsamplings without rounding. */
  protected checkSample(sample: tf.Tensor, timesteps: tf.Tensor, context: tf.Tensor): void {
    const { inChannels, levels } = this.encoder;
    const factor = 2 ** (levels.length - 1);
    const [n, c, height, width] = sample.shape;
    if (sample.rank !== 4 || c !== inChannels || (height as number) % factor !== 0 || (width as number) % factor !== 0) {
      throw new CoreBlocksError('invalid-input', `sample: expected [N, ${inChannels}, H, W] with H and W multiples of ${factor}, got [${sample.shape.join(', ')}]`, { shape: sample.shape });
    }
    if (timesteps.rank !== 1 || timesteps.shape[0] !== n) throw new CoreBlocksError('invalid-input', `timesteps: expected [${n}], got [${timesteps.shape.join(', ')}]`, { shape: timesteps.shape });
    if (context.rank !== 3 || context.shape[0] !== n) throw new CoreBlocksError('invalid-input', `encoder hidden states: expected [${n}, S, D], got [${context.shape.join(', ')}]`, { shape: context.shape });
  }
}

/** Additions from a control network, in the order of {@link encoderStates}. */
export interface UNetResiduals {
  downBlockAdditionalResiduals?: readonly tf.Tensor[];
  midBlockAdditionalResidual?: tf.Tensor;
}

/** What a U-Net's forward may get beside its main arguments. */
export interface UNetOptions extends UNetResiduals {
  inject?: Injection;
}

/** The U-Net of latent diffusion with text cross-attention. Source: diffusers `UNet2DConditionModel`. */
export class UNet2DConditionModel extends UNetEncoder {
  up_blocks: UpBlock2D[];
  conv_norm_out: GroupNorm;
  conv_out: Conv2d;

  constructor(config: UNet2DConditionConfig) {
    super('UNet2DConditionModel', config, DECODER_KEYS);
    const { levels, timeEmbedDim: tembChannels, groups, eps } = this.encoder;
    const expected = levels.map(({ attention }) => (attention ? 'CrossAttnUpBlock2D' : 'UpBlock2D')).reverse();
    if (expected.join() !== config.up_block_types.join()) {
      throw new CoreBlocksError('invalid-config', `UNet2DConditionModel: up_block_types must mirror down_block_types: expected [${expected.join(', ')}], got [${config.up_block_types.join(', ')}]`, { config });
    }
    const skips = encoderStates(this.encoder).map(({ channels }) => channels);
    let width = levels.at(-1)?.channels as number;
    this.up_blocks = levels.toReversed().map(({ channels, attention }, i) => {
      const own = Array.from({ length: this.encoder.layersPerBlock + 1 }, () => skips.pop() as number);
      const block = new UpBlock2D(width, channels, own, { tembChannels, groups, eps, attention, upsample: i < levels.length - 1 });
      width = channels;
      return block;
    });
    this.conv_norm_out = new GroupNorm(groups, width, eps);
    this.conv_out = new Conv2d(width, config.out_channels ?? 4, 3, { padding: 1 });
  }

  /**
   * @param sample noisy latents `z_t: [N, C, H, W]`
   * @param timesteps `t: [N]`, float, in training steps
   * @param encoderHiddenStates text `c_t: [N, S, D]`
   * @param options what a ControlNet adds to the skips (`[N, C_i, H_i, W_i]` each) and to the middle block's output, or a
   *   ControlNeXt's change of the main branch
   * @returns the prediction `[N, C', H, W]`
   * @throws CoreBlocksError invalid-input on wrong shapes, a wrong number of residuals or an unknown injection point
   */
  forward(sample: tf.Tensor, timesteps: tf.Tensor, encoderHiddenStates: tf.Tensor, options: UNetOptions = {}): tf.Tensor {
    this.checkSample(sample, timesteps, encoderHiddenStates);
    const { downBlockAdditionalResiduals: additions, midBlockAdditionalResidual, inject } = options;
    if (inject) checkInjection(inject, this.down_blocks.length);
    const temb = this.embedTime(timesteps);
    const encoded = this.runDownBlocks(this.conv_in.forward(sample), temb, encoderHiddenStates, inject);
    let { states } = encoded;
    if (additions) {
      if (additions.length !== states.length) throw new CoreBlocksError('invalid-input', `downBlockAdditionalResiduals: expected ${states.length} tensors, got ${additions.length}`, { count: additions.length });
      states = states.map((state, i) => tf.add(state, additions[i] as tf.Tensor));
    }
    let h = injectAt('mid_block', this.mid_block.forward(encoded.x, temb, encoderHiddenStates), inject);
    if (midBlockAdditionalResidual) h = tf.add(h, midBlockAdditionalResidual);
    for (const block of this.up_blocks) h = block.forward(h, states, temb, encoderHiddenStates);
    return this.conv_out.forward(this.conv_norm_out.forward(h, { silu: true }));
  }
}

const SD_ENCODER = {
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 2,
};
const SD_DECODER = { up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'] };

/** Stable Diffusion 1.x's encoder: what its ControlNets copy. */
export const SD15_ENCODER: UNetEncoderConfig = { ...SD_ENCODER, attention_head_dim: 8, cross_attention_dim: 768 };

/** Stable Diffusion 2.x's encoder. */
export const SD21_ENCODER: UNetEncoderConfig = { ...SD_ENCODER, attention_head_dim: [5, 10, 20, 20], cross_attention_dim: 1024, use_linear_projection: true };

/** Stable Diffusion 1.x's U-Net: 859,520,964 parameters. */
export const sd15 = () => new UNet2DConditionModel({ ...SD15_ENCODER, ...SD_DECODER });

/** Stable Diffusion 2.x's U-Net: 865,910,724 parameters. */
export const sd21 = () => new UNet2DConditionModel({ ...SD21_ENCODER, ...SD_DECODER });
