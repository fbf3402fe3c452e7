import {
  SD15_UNET,
  SD21_UNET,
  SDXL_UNET,
  SVD_UNET,
  type Denoiser,
  type LatentSize,
  type UNet2DConditionConfig,
} from '@controllab/core-blocks';
import { imageDenoiser, videoDenoiser } from './denoisers.ts';

/** A published architecture, and the size that the papers use it at. */
export interface Architecture {
  readonly id: 'sd15' | 'sd21' | 'sdxl' | 'svd';
  readonly label: string;
  /** That size, for a reader. */
  readonly setting: string;
  /** @param size in latents, in place of the papers' */
  denoiser(size?: LatentSize & { readonly frames?: number }): Denoiser;
}

const TOKENS = 77;
/** Pixels per latent along a side. */
const FACTOR = 8;
const SVD_FRAMES = 14;

const image = (id: Architecture['id'], label: string, config: UNet2DConditionConfig, side: number): Architecture => ({
  id,
  label,
  setting: `${FACTOR * side} × ${FACTOR * side} pixels, ${TOKENS} tokens`,
  denoiser: (size) => imageDenoiser(config, { family: id, factor: FACTOR, tokens: TOKENS, latent: size ?? { height: side, width: side } }),
});

/** The three base models of ControlNeXt's tables, and SD2.1. */
export const ARCHITECTURES: readonly Architecture[] = [
  image('sd15', 'SD1.5', SD15_UNET, 64),
  image('sdxl', 'SDXL', SDXL_UNET, 128),
  {
    id: 'svd',
    label: 'SVD',
    setting: `${SVD_FRAMES} frames of 576 × 1024 pixels`,
    denoiser: ({ frames = SVD_FRAMES, ...latent } = { height: 72, width: 128 }) =>
      videoDenoiser(SVD_UNET, { family: 'svd', factor: FACTOR, tokens: 1, latent, frames }),
  },
  image('sd21', 'SD2.1', SD21_UNET, 96),
];
