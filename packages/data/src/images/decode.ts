import { createHash } from 'node:crypto';
import type { RgbImage } from './image.ts';
import { DataError } from '../errors.ts';

/** Most pixels of an image: what Pillow takes without a warning (about 13400 x 13400). Decoded it holds 0.5 GB. */
export const MAX_PIXELS = 178_956_970;

/**
 * What was done to an image that is not plain 8-bit RGB. The reference implementations all read with Pillow's `convert('RGB')`, so
 * this does what that does, bit for bit, except for 16-bit grey, which Pillow turns white.
 */
export const CONVERSIONS = {
  alpha: 'transparency dropped, the colours below it kept as stored',
  grey: 'the one channel repeated',
  cmyk: 'converted without a colour profile',
  'deep-colour': '16 bits cut to the upper 8',
  frames: 'the first frame taken',
  orientation: 'the EXIF orientation left out of account',
  profile: 'the colour profile left out of account',
} as const;
export type Conversion = keyof typeof CONVERSIONS;

export interface DecodedImage extends RgbImage {
  conversions: Conversion[];
}

const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];
/** Sample types by colour space: 16-bit CMYK, Lab and floats have no agreed way to 8-bit RGB. */
const SAMPLES: Record<string, string[]> = { srgb: ['uchar'], 'b-w': ['uchar'], rgb16: ['ushort'], grey16: ['ushort'], cmyk: ['uchar'] };

/**
 * Decodes an image file to 8-bit RGB as Pillow's `Image.open(...).convert('RGB')` does.
 * @param name for messages: the set and the file
 * @param turned by its EXIF orientation, as Pillow's `ImageOps.exif_transpose` does and Hugging Face's datasets do
 * @throws DataError invalid-image for what is cut short, damaged or no image; unsupported-image for other sample types;
 * image-too-large
 */
export async function decodeImage(bytes: Uint8Array, name: string, { turned = false }: { turned?: boolean } = {}): Promise<DecodedImage> {
  const fail = (error: unknown): never => {
    throw new DataError(
      'invalid-image',
      `${name} cannot be decoded (cut short, damaged, or no image): ${(error as Error).message.replace(/\s+/g, ' ').trim()}`,
      { file: name, bytes: bytes.length },
    );
  };
  // Loaded here: every process and worker imports this package, few of them decode.
  const { default: sharp } = await import('sharp');
  // A profile would change the colours; a benign warning is no damage.
  const image = (() => {
    try {
      return sharp(bytes, { failOn: 'error', ignoreIcc: true, limitInputPixels: false, autoOrient: turned });
    } catch (error) {
      return fail(error);
    }
  })();
  const found = await image.metadata().catch(fail);
  const { width, height, format, depth, space } = found;
  if (!FORMATS.includes(format))
    throw new DataError('unsupported-image', `${name} holds ${format}, which is not read as an image`, { file: name, format });
  if (width * height > MAX_PIXELS)
    throw new DataError('image-too-large', `${name} has ${width} x ${height} pixels, the limit is ${MAX_PIXELS}`, {
      file: name,
      width,
      height,
    });
  if (!SAMPLES[space]?.includes(depth))
    throw new DataError(
      'unsupported-image',
      `${name} has ${depth} samples in the colour space ${space}; 8- and 16-bit grey and RGB and 8-bit CMYK are read`,
      { file: name, depth, space },
    );

  const cmyk = space === 'cmyk';
  if (cmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true }).catch(fail);
  const conversions = Object.entries({
    alpha: found.hasAlpha && isTranslucent(data, info.channels),
    grey: space === 'b-w' || space === 'grey16',
    cmyk,
    'deep-colour': depth === 'ushort',
    frames: (found.pages ?? 1) > 1,
    orientation: !turned && (found.orientation ?? 1) > 1,
    profile: found.icc !== undefined,
  }).flatMap(([name, applies]) => (applies ? [name as Conversion] : []));
  return { rgb: toRgb(data, info.channels, cmyk), width: info.width, height: info.height, conversions };
}

/** Whether any pixel's last channel is below its largest value. */
function isTranslucent(data: Uint8Array, channels: number): boolean {
  for (let i = channels - 1; i < data.length; i += channels) if (data[i]! < 255) return true;
  return false;
}

/** The first three channels, a grey one three times, or CMYK as Pillow computes it. */
function toRgb(data: Uint8Array, channels: number, cmyk: boolean): Uint8Array {
  if (channels === 3) return data;
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const light = cmyk ? 255 - data[from + 3]! : 0;
    for (let c = 0; c < 3; c++) {
      const value = data[from + (channels < 3 ? 0 : c)]!;
      rgb[to++] = cmyk ? light - scaled(value, light) : value;
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
