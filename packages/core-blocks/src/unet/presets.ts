import {
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  type UNet2DConditionConfig,
  type UNetSpatioTemporalConditionConfig,
} from './unet.ts';
import type { SpatioTemporalEncoderConfig, UNetEncoderConfig } from './config.ts';

const SD_ENCODER = {
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 2,
};
const SD_DECODER = { up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'] };

/** Stable Diffusion 1.x's encoder: what its ControlNets copy. */
export const SD15_ENCODER: UNetEncoderConfig = { ...SD_ENCODER, attention_head_dim: 8, cross_attention_dim: 768 };

/** Stable Diffusion 2.x's encoder. */
export const SD21_ENCODER: UNetEncoderConfig = {
  ...SD_ENCODER,
  attention_head_dim: [5, 10, 20, 20],
  cross_attention_dim: 1024,
  use_linear_projection: true,
};

/** Stable Diffusion XL's encoder. */
export const SDXL_ENCODER: UNetEncoderConfig = {
  block_out_channels: [320, 640, 1280],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  layers_per_block: 2,
  attention_head_dim: [5, 10, 20],
  transformer_layers_per_block: [1, 2, 10],
  cross_attention_dim: 2048,
  use_linear_projection: true,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2816,
};

const SDXL_REFINER_ENCODER: UNetEncoderConfig = {
  block_out_channels: [384, 768, 1536, 1536],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 2,
  attention_head_dim: [6, 12, 24, 24],
  transformer_layers_per_block: 4,
  cross_attention_dim: 1280,
  use_linear_projection: true,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2560,
};

/** Stable Video Diffusion's encoder. */
export const SVD_ENCODER: SpatioTemporalEncoderConfig = {
  in_channels: 8,
  block_out_channels: [320, 640, 1280, 1280],
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
const SVD_DECODER = {
  up_block_types: [
    'UpBlockSpatioTemporal',
    'CrossAttnUpBlockSpatioTemporal',
    'CrossAttnUpBlockSpatioTemporal',
    'CrossAttnUpBlockSpatioTemporal',
  ],
};

/** Stable Diffusion 1.x's U-Net. */
export const SD15_UNET: UNet2DConditionConfig = { ...SD15_ENCODER, ...SD_DECODER };

/** Stable Diffusion 2.x's U-Net. */
export const SD21_UNET: UNet2DConditionConfig = { ...SD21_ENCODER, ...SD_DECODER };

/** Stable Diffusion XL's U-Net. */
export const SDXL_UNET: UNet2DConditionConfig = {
  ...SDXL_ENCODER,
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
};

/** Stable Video Diffusion's U-Net. */
export const SVD_UNET: UNetSpatioTemporalConditionConfig = { ...SVD_ENCODER, ...SVD_DECODER };

/** Stable Diffusion 1.x's U-Net: 859,520,964 parameters. */
export const sd15 = () => new UNet2DConditionModel(SD15_UNET);

/** Stable Diffusion 1.5's inpainting U-Net (also sees a mask and the masked image): 859,535,364 parameters. */
export const sd15Inpaint = () => new UNet2DConditionModel({ ...SD15_UNET, in_channels: 9 });

/** Stable Diffusion 2.x's U-Net: 865,910,724 parameters. */
export const sd21 = () => new UNet2DConditionModel(SD21_UNET);

/** Stable Diffusion 2's depth-conditioned U-Net (also sees a depth map): 865,913,604 parameters. */
export const sd2Depth = () => new UNet2DConditionModel({ ...SD21_UNET, in_channels: 5 });

/** Stable Diffusion XL's base U-Net: 2,567,463,684 parameters. */
export const sdxl = () => new UNet2DConditionModel(SDXL_UNET);

/** Stable Diffusion XL's refiner U-Net: 2,259,526,660 parameters. */
export const sdxlRefiner = () =>
  new UNet2DConditionModel({
    ...SDXL_REFINER_ENCODER,
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  });

/** Stable Video Diffusion's U-Net (XT or not): 1,524,623,082 parameters. */
export const svd = () => new UNetSpatioTemporalConditionModel(SVD_UNET);
