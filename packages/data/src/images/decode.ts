import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import { openBmp } from './formats/bmp.ts';
import { openGif } from './formats/gif.ts';
import { those, type Conversion, type OpenedImage, type Pixels } from './formats/opened-image.ts';
import { openPnm } from './formats/pnm.ts';
import { openWithSharp } from './formats/sharp.ts';
import type { RgbImage } from './image.ts';
import { turn } from './orientation.ts';

/** Most pixels of an image: what Pillow takes without a warning (about 13400 x 13400). Decoded it holds 0.5 GB. */
export const MAX_PIXELS = 178_956_970;

/** Most pixels of a side: what a filter needs beside the pixels grows with it. No camera or JPEG comes near. */
const MAX_SIDE = 2 ** 20;

export interface DecodedImage extends RgbImage {
  conversions: Conversion[];
}

export interface DecodeOptions {
  /** By its EXIF orientation, as Pillow's `ImageOps.exif_transpose` does and Hugging Face's datasets do. */
  readonly turned?: boolean;
  /** What is transparent is black; the colours below it are left out. */
  readonly overBlack?: boolean;
}

/**
 * Decodes an image file to 8-bit RGB as Pillow's `Image.open(...).convert('RGB')` does: JPEG, PNG, WebP, GIF, TIFF, BMP, PBM, PGM and PPM
 * bit for bit, AVIF but for how its colours are enlarged.
 * @param name for messages: the set and the file
 * @throws DataError invalid-image for what is cut short, damaged or no image; unsupported-image for other formats and sample types;
 * image-too-large
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  { turned = false, overBlack = false }: DecodeOptions = {},
): Promise<DecodedImage> {
  const opened = await open(bytes, name);
  const { width, height, orientation, turns } = opened;
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE)
    throw new DataError(
      'image-too-large',
      `${name} has ${width} x ${height} pixels, the limit is ${width * height > MAX_PIXELS ? MAX_PIXELS : `${MAX_SIDE} a side`}`,
      { file: name, width, height },
    );
  const pixels = await attempt(bytes, name, () => opened.decode());
  const stored = { rgb: toRgb(pixels, overBlack), width, height };
  const asRead = turned || turns === true ? turn(stored, orientation) : stored;
  const leftOut = { orientation: asRead === stored && orientation > 1 };
  return { ...asRead, conversions: those({ ...Object.fromEntries(pixels.conversions.map((name) => [name, true])), ...leftOut }) };
}

/** The size of an image as `decodeImage` gives it, from its header alone. @throws DataError as decodeImage does */
export async function imageSize(
  bytes: Uint8Array,
  name: string,
  { turned = false }: Pick<DecodeOptions, 'turned'> = {},
): Promise<Pick<RgbImage, 'width' | 'height'>> {
  const { width, height, orientation, turns } = await open(bytes, name);
  return (turned || turns === true) && orientation >= 5 ? { width: height, height: width } : { width, height };
}

/**
 * Bytes that an image takes while it is decoded, by its header: of its pixels as they are stored and as RGB. What a decoder needs besides
 * is not among them. @throws DataError as decodeImage does
 */
export async function decodedBytes(bytes: Uint8Array, name: string): Promise<number> {
  const { width, height, channels } = await open(bytes, name);
  return width * height * (channels === 3 ? 3 : channels + 3);
}

/** By signature, since names say little. */
const open = (bytes: Uint8Array, name: string): Promise<OpenedImage> =>
  attempt(bytes, name, () => {
    const head = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
    if (/^GIF8[79]a/.test(head)) return openGif(bytes);
    if (head.startsWith('BM')) return openBmp(bytes);
    if (/^P[1-6][\s#]/.test(head)) return openPnm(bytes);
    return openWithSharp(bytes, name);
  });

async function attempt<T>(bytes: Uint8Array, name: string, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof DataError) throw error;
    const text = (error as Error).message.replace(/\s+/g, ' ').trim();
    throw new DataError('invalid-image', `${name} cannot be decoded (${nature(bytes)}): ${text}`, { file: name, bytes: bytes.length });
  }
}

/** What lies where an image is expected. */
function nature(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.startsWith('version https://git-lfs')) return 'it is a pointer of git-lfs: fetch the file with git lfs pull';
  if (/^\s*<(!doctype )?html/i.test(head)) return 'it is a page of HTML, as a failed download leaves';
  return 'cut short, damaged, or no image';
}

/** The first three channels, a grey one three times, or CMYK as Pillow computes it; over black where that is wanted. */
function toRgb({ data, channels, conversions }: Pixels, overBlack: boolean): Uint8Array {
  if (channels === 3) return data;
  const [cmyk, alpha] = [conversions.includes('cmyk'), overBlack && conversions.includes('alpha')];
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const light = 255 - data[from + 3]!;
    const opacity = data[from + channels - 1]!;
    for (let c = 0; c < 3; c++) {
      const value = data[from + (channels < 3 ? 0 : c)]!;
      rgb[to++] = cmyk ? light - scaled(value, light) : alpha ? Math.floor((value * opacity) / 255) : value;
    }
  }
  return rgb;
}

/** a b / 255, rounded, in Pillow's integer arithmetic. */
function scaled(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** sha256 of size and pixels: equal for the same picture in another file format. */
export function pixelHash({ rgb, width, height }: RgbImage): string {
  return createHash('sha256').update(`${width}x${height}\n`).update(rgb).digest('hex');
}
