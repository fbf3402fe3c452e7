import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from '@controllab/data';
import { encodePng, readPngText, ReportError, withPngText } from '@controllab/report';
import { ExperimentError } from '../../runner/errors.ts';
import { pictureExtension, type PictureExtension } from './destination.ts';
import { exifBlock, readExifBlock } from './exif.ts';

export const SOFTWARE = 'controllab';

/** What a picture file says of how it was made. */
export interface PictureText {
  /** A1111's text. */
  readonly parameters: string;
  /** The command that draws it again. */
  readonly command: string;
  /** More texts by keyword, for formats that have them (PNG). */
  readonly more: Readonly<Record<string, string>>;
}

/** JPEG and WebP at a quality at which the eye sees no difference. */
const QUALITY = 95;
/** The most that a JPEG segment holds, its length included. */
const MOST_SEGMENT = 0xffff;
const EXIF_NAME = Buffer.from('Exif\0\0', 'latin1');

const exifOf = ({ parameters, command }: PictureText): Buffer =>
  exifBlock({ software: SOFTWARE, description: command, comment: parameters });

/** The JPEG with an EXIF segment first of all. */
function withJpegExif(jpeg: Buffer, exif: Buffer): Buffer {
  const body = Buffer.concat([EXIF_NAME, exif]);
  if (body.length + 2 > MOST_SEGMENT)
    throw new ExperimentError(
      'invalid-option',
      `generate: the settings of the picture take ${body.length} bytes, a JPEG holds ${MOST_SEGMENT}; write a .png.`,
      { bytes: body.length },
    );
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** Chunks of a WebP file's RIFF container. */
function webpChunks(webp: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 12; at + 8 <= webp.length;) {
    const length = webp.readUInt32LE(at + 4);
    chunks.push({ type: webp.toString('latin1', at, at + 4), data: webp.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

/** The WebP with another EXIF chunk in place of its own. */
function withWebpExif(webp: Buffer, exif: Buffer): Buffer {
  const body = webpChunks(webp).flatMap(({ type, data }) => {
    const own = type === 'EXIF' ? exif : data;
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(own.length, 4);
    return [head, own, Buffer.alloc(own.length % 2)];
  });
  const whole = Buffer.concat([webp.subarray(0, 12), ...body]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

const rawOf = ({ rgb, width, height }: RgbImage): Sharp => sharp(rgb, { raw: { width, height, channels: 3 } });

const encodeJpeg = async (image: RgbImage, text: PictureText): Promise<Buffer> =>
  withJpegExif(await rawOf(image).jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' }).toBuffer(), exifOf(text));

/** Formats of pictures by the extension of their names. */
const FORMATS: Readonly<Record<PictureExtension, (image: RgbImage, text: PictureText) => Promise<Buffer>>> = {
  '.png': async ({ rgb, width, height }, { parameters, command, more }) =>
    withPngText(await encodePng(rgb, width, height), { Software: SOFTWARE, parameters, command, ...more }),
  '.jpg': encodeJpeg,
  '.jpeg': encodeJpeg,
  '.webp': async (image, text) => {
    // A file with metadata has the container that holds them.
    const webp = rawOf(image)
      .webp({ quality: QUALITY, smartSubsample: true })
      .withExif({ IFD0: { Software: SOFTWARE } });
    return withWebpExif(await webp.toBuffer(), exifOf(text));
  },
};

/** A picture as the bytes of a file of that name, one of the formats that are written, with how it was made. */
export const encodePicture = (file: string, image: RgbImage, text: PictureText): Promise<Buffer> =>
  FORMATS[pictureExtension(file)!](image, text);

/** The EXIF block of a JPEG's first segments or of a WebP. */
function exifIn(bytes: Buffer): Buffer | null {
  if (bytes.toString('latin1', 0, 4) === 'RIFF') return webpChunks(bytes).find(({ type }) => type === 'EXIF')?.data ?? null;
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8 || bytes.readUInt16BE(2) !== 0xffe1) return null;
  const segment = bytes.subarray(6, 4 + bytes.readUInt16BE(4));
  return segment.subarray(0, EXIF_NAME.length).equals(EXIF_NAME) ? segment.subarray(EXIF_NAME.length) : null;
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** The texts of a PNG; none of one that is damaged: nothing says that it was written here. */
function textsOf(png: Buffer): Record<string, string> {
  try {
    return readPngText(png);
  } catch (error) {
    if (error instanceof ReportError) return {};
    throw error;
  }
}

/** What a picture that was written here says of itself; null for any other file. */
export function readPictureText(bytes: Buffer): { parameters: string; command: string } | null {
  if (bytes.subarray(0, PNG.length).equals(PNG)) {
    const { Software: software, parameters = '', command = '' } = textsOf(bytes);
    return software === SOFTWARE ? { parameters, command } : null;
  }
  const exif = exifIn(bytes);
  const read = exif && readExifBlock(exif);
  return read?.software === SOFTWARE ? { parameters: read.comment, command: read.description } : null;
}

/** The prompt of a PNG that was written here, as it was given; null for any other file, a contact sheet among them. */
export function promptOfPicture(bytes: Buffer): string | null {
  if (!bytes.subarray(0, PNG.length).equals(PNG)) return null;
  const { Software: software, prompt = null } = textsOf(bytes);
  return software === SOFTWARE ? prompt : null;
}
