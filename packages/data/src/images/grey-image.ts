import type { RgbImage } from './image.ts';

/** A map [H, W] of one byte a pixel, such as Canny edges, as the grey picture that a control network is shown. */
export function greyImage(map: Uint8Array, { width, height }: Pick<RgbImage, 'width' | 'height'>): RgbImage {
  const rgb = new Uint8Array(map.length * 3);
  for (let p = 0; p < map.length; p++) rgb.fill(map[p]!, p * 3, p * 3 + 3);
  return { rgb, width, height };
}
