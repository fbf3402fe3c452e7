import { ControlNetModel, type ControlNetConfig } from '@controllab/controlnet';
import { canny, greyImage } from '@controllab/data';
import { IMAGE_SIZE, MINI_UNET } from './models.ts';

/** The ControlNet of the mini U-Net: its encoder's config and a hint encoder from 64 px to 16 x 16. */
export const MINI_CONTROLNET: ControlNetConfig = (({ up_block_types: _up, out_channels: _out, ...encoder }) => ({
  ...encoder,
  conditioning_embedding_out_channels: [16, 32, 64],
}))(MINI_UNET);

export const miniControlNet = (): ControlNetModel => new ControlNetModel(MINI_CONTROLNET);

/** How a condition [64, 64, 3] is made from a picture of that size: edges are found in it; `image` takes it as the finished condition. */
export const controls: Record<string, (rgb8: Uint8Array) => Uint8Array> = {
  canny: (rgb8) => greyImage(canny(rgb8, IMAGE_SIZE, IMAGE_SIZE), { width: IMAGE_SIZE, height: IMAGE_SIZE }).rgb,
  image: (rgb8) => rgb8,
};
