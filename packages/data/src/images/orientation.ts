import type { RgbImage } from './image.ts';

/** Where the pixel shown at (x, y) is stored in an image of width w and height h, by its EXIF orientation. */
const STORED: Readonly<Record<number, (x: number, y: number, w: number, h: number) => [number, number]>> = {
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

/** An image as it is shown, by its EXIF orientation; 1 and what is none leave it as it is stored. */
export function turn(image: RgbImage, orientation: number): RgbImage {
  const stored = STORED[orientation];
  if (stored === undefined) return image;
  const [width, height] = orientation >= 5 ? [image.height, image.width] : [image.width, image.height];
  const rgb = new Uint8Array(image.rgb.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [sx, sy] = stored(x, y, image.width, image.height);
      const from = (sy * image.width + sx) * 3;
      rgb[to++] = image.rgb[from]!;
      rgb[to++] = image.rgb[from + 1]!;
      rgb[to++] = image.rgb[from + 2]!;
    }
  return { rgb, width, height };
}
