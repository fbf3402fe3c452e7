import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { canny, decodeImage, type RgbImage } from '@controllab/data';
import { ExperimentError } from '../runner/errors.ts';
import type { Extractor } from './options.ts';

type Size = Pick<RgbImage, 'width' | 'height'>;

async function reading<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new ExperimentError('invalid-image', `Cannot read the image ${file}: ${(cause as Error).message}`, { file }, { cause });
  }
}

/** Width and height of an image as it is shown. @throws ExperimentError invalid-image */
export async function imageSize(file: string): Promise<Size> {
  const { autoOrient } = await reading(file, () => sharp(file).metadata());
  return autoOrient;
}

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

/** An image as it is shown. */
function oriented(image: RgbImage, orientation: number): RgbImage {
  const stored = STORED[orientation];
  if (stored === undefined) return image;
  const turned = orientation >= 5;
  const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
  const rgb = new Uint8Array(image.rgb.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [sx, sy] = stored(x, y, image.width, image.height);
      const from = (sy * image.width + sx) * 3;
      rgb.set(image.rgb.subarray(from, from + 3), (y * width + x) * 3);
    }
  return { rgb, width, height };
}

/** The image in 8-bit RGB as Pillow reads it, but that it is turned as it is shown, and transparency is black. */
async function readImage(file: string, warn: (message: string) => void): Promise<RgbImage> {
  const bytes = await readFile(file);
  const [{ orientation = 1 }, { conversions, ...image }] = await Promise.all([sharp(bytes).metadata(), decodeImage(bytes, 'it')]);
  if (conversions.includes('frames')) warn(`${file} has several frames; a control sees the first`);
  if (!conversions.includes('alpha')) return oriented(image, orientation);
  warn(`${file} has transparent parts; a control sees them black`);
  const rgb = await sharp(bytes, { ignoreIcc: true }).flatten({ background: 'black' }).toColourspace('srgb').raw().toBuffer();
  return oriented({ ...image, rgb: new Uint8Array(rgb) }, orientation);
}

/** Sides that differ by less than this share are of one shape: rounding to whole pixels. */
const SAME_SHAPE = 0.02;

/**
 * What a control sees of an image: 8-bit RGB, stretched to the size asked for where it has another; transparency is black, 16 bits are cut
 * to the upper 8.
 * @param warn told what is lost: transparency, frames, the shape
 * @throws ExperimentError invalid-image
 */
export async function loadCondition(
  file: string,
  extractor: Extractor,
  { width, height }: Size,
  warn: (message: string) => void = () => {},
): Promise<RgbImage> {
  const image = await reading(file, () => readImage(file, warn));
  const stretch = (width * image.height) / (height * image.width);
  if (Math.abs(Math.log(stretch)) > SAME_SHAPE)
    warn(`${file} is ${image.width} x ${image.height} and is stretched to ${width} x ${height}, which is another shape`);
  const raw = { raw: { width: image.width, height: image.height, channels: 3 as const } };
  const same = image.width === width && image.height === height;
  const rgb = same ? image.rgb : new Uint8Array(await sharp(image.rgb, raw).resize(width, height, { fit: 'fill' }).raw().toBuffer());
  if (extractor === 'none') return { rgb, width, height };
  const edges = canny(rgb, width, height);
  return { rgb: Uint8Array.from(rgb, (_, i) => edges[Math.floor(i / 3)]!), width, height };
}
