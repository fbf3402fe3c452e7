import { ControlNetModel, type ControlNetConfig } from '@controllab/controlnet';
import { canny } from '@controllab/emoji-scenes';
import { IMAGE_SIZE, MINI_UNET } from './models.ts';

/** The ControlNet of the mini U-Net: its encoder's config and a hint encoder from 64 px to 16 x 16. */
export const MINI_CONTROLNET: ControlNetConfig = (({ up_block_types: _up, out_channels: _out, ...encoder }) => ({ ...encoder, conditioning_embedding_out_channels: [16, 32, 64] }))(MINI_UNET);

export const miniControlNet = (): ControlNetModel => new ControlNetModel(MINI_CONTROLNET);

const grey = (rgb8: Uint8Array): Uint8Array => Uint8Array.from({ length: rgb8.length / 3 }, (_, p) => Math.round(0.299 * rgb8[3 * p]! + 0.587 * rgb8[3 * p + 1]! + 0.114 * rgb8[3 * p + 2]!));

/** How a condition map [64 x 64] is made from a picture [64, 64, 3]: edges are found in it; `map` takes it as the finished map. */
export const controls: Record<string, (rgb8: Uint8Array) => Uint8Array> = {
  canny: (rgb8) => canny(rgb8, IMAGE_SIZE, IMAGE_SIZE),
  map: grey,
};
