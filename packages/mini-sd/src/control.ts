import type { ControlNetConfig } from '@controllab/controlnet';
import { MINI_UNET } from './models.ts';

/** The ControlNet of the mini U-Net: its encoder's config and a hint encoder from 64 px to 16 x 16. */
export const MINI_CONTROLNET: ControlNetConfig = (({ up_block_types: _up, out_channels: _out, ...encoder }) => ({
  ...encoder,
  conditioning_embedding_out_channels: [16, 32, 64],
}))(MINI_UNET);
