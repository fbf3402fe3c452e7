import { AutoencoderKL, UNet2DConditionModel, type AutoencoderKLConfig, type UNet2DConditionConfig } from '@controllab/core-blocks';
import type { NoiseScheduleConfig } from '@controllab/diffusion';

/** Pixels along a side of every image of the embedded default. */
export const IMAGE_SIZE = 64;
/** Latents are [4, 16, 16]: f = 4. */
export const LATENT_SIZE = 16;
export const LATENT_CHANNELS = 4;
/** Width of the text transformer, and of mini-CLIP's joint space. */
export const TEXT_WIDTH = 128;

/**
 * Works on 4x4 pixel-unshuffled images [N, 48, 16, 16], so that every convolution runs at the size of the latents: wide
 * convolutions on small maps use the processor better than narrow ones at full resolution, and learn more per second.
 */
export const MINI_VAE: AutoencoderKLConfig = {
  in_channels: 48,
  out_channels: 48,
  block_out_channels: [96],
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  layers_per_block: 1,
  latent_channels: LATENT_CHANNELS,
  norm_num_groups: 8,
};

/** Stable Diffusion's U-Net with three levels; attention where SD has it, on all but the finest. */
export const MINI_UNET: UNet2DConditionConfig = {
  in_channels: LATENT_CHANNELS,
  out_channels: LATENT_CHANNELS,
  block_out_channels: [64, 128, 128],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: [2, 4, 4],
  cross_attention_dim: TEXT_WIDTH,
  use_linear_projection: true,
  norm_num_groups: 8,
};

/** A U-Net of the embedded default's form, of another width in place of its 64: a multiple of 16 for the groups and heads. */
export const unetOfWidth = (width: number): UNet2DConditionConfig => ({
  ...MINI_UNET,
  block_out_channels: [width, 2 * width, 2 * width],
  // Heads: 32 channels each, as the embedded default's; the first level has no attention.
  attention_head_dim: [1, width / 16, width / 16],
});

export const miniVae = (): AutoencoderKL => new AutoencoderKL(MINI_VAE);
export const miniUNet = (): UNet2DConditionModel => new UNet2DConditionModel(MINI_UNET);

/** Latents beyond four standard deviations are none that the autoencoder has seen. */
export const LATENT_LIMIT = 4;

/** v-prediction on the cosine schedule: at 16 x 16 latents the scaled-linear one of SD leaves too much signal at the last timestep. */
export const MINI_SCHEDULE: NoiseScheduleConfig = { schedule: 'cosine' };
