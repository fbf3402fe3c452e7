import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { canny, decodeImage, imageSize, type RgbImage } from '@controllab/data';
import { ExperimentError } from '../runner/errors.ts';
import type { ExtractorName } from './options.ts';

type Size = Pick<RgbImage, 'width' | 'height'>;

async function reading<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new ExperimentError('invalid-image', `Cannot read the image ${file}: ${(cause as Error).message}`, { file }, { cause });
  }
}

/** Width and height of an image as it is shown. @throws ExperimentError invalid-image */
export async function shownSize(file: string): Promise<Size> {
  return await reading(file, async () => imageSize(await readFile(file), 'it', { turned: true }));
}

/** The image in 8-bit RGB as it is shown, transparency black. */
async function readImage(file: string, warn: (message: string) => void): Promise<RgbImage> {
  const { conversions, ...image } = await decodeImage(await readFile(file), 'it', { turned: true, overBlack: true });
  if (conversions.includes('frames')) warn(`${file} has several frames; a control sees the first`);
  if (conversions.includes('alpha')) warn(`${file} has transparent parts; a control sees them black`);
  return image;
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
  extractor: ExtractorName,
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
