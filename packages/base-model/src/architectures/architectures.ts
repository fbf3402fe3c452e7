import { SD15_UNET, SD21_UNET, SDXL_UNET, SVD_UNET, type Denoiser } from '@controllab/core-blocks';
import { imageDenoiser, videoDenoiser } from './denoisers.ts';

/** A published architecture at the size the papers use it at. */
export interface Architecture {
  readonly id: 'sd15' | 'sd21' | 'sdxl' | 'svd';
  readonly label: string;
  readonly setting: string;
  /** Modules of its own at each call. */
  denoiser(): Denoiser;
}

const TOKENS = 77;
/** Pixels per latent along a side. */
const FACTOR = 8;
const SVD_FRAMES = 14;

const image = (id: Architecture['id'], label: string, config: typeof SD15_UNET, side: number): Architecture => ({
  id,
  label,
  setting: `${FACTOR * side} × ${FACTOR * side} pixels, ${TOKENS} tokens`,
  denoiser: () => imageDenoiser(config, { family: id, factor: FACTOR, tokens: TOKENS, latent: { height: side, width: side } }),
});

/** The three base models of ControlNeXt's tables, and SD2.1. */
export const ARCHITECTURES: readonly Architecture[] = [
  image('sd15', 'SD1.5', SD15_UNET, 64),
  image('sdxl', 'SDXL', SDXL_UNET, 128),
  {
    id: 'svd',
    label: 'SVD',
    setting: '14 frames of 576 × 1024 pixels',
    denoiser: () =>
      videoDenoiser(SVD_UNET, { family: 'svd', factor: FACTOR, tokens: 1, latent: { height: 72, width: 128 }, frames: SVD_FRAMES }),
  },
  image('sd21', 'SD2.1', SD21_UNET, 96),
];
