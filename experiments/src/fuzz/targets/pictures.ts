import path from 'node:path';
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { decodeImage } from '@controllab/data';
import { encodePng, pngChunk, readPngText, withPngText } from '@controllab/report';
import { deflateSync } from 'node:zlib';
import type { Target } from '../target.ts';
import { sha } from './tensor-files.ts';

const [WIDTH, HEIGHT] = [13, 9];
const RGB = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 37 + ((i * i) >> 3)) % 256);
const raw = (): Sharp => sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

const picture = (format: string, samples: () => Promise<readonly Uint8Array[]>, hostile?: () => readonly Uint8Array[]): Target => ({
  name: format,
  samples,
  place: async (folder) => path.join(folder, `x.${format}`),
  ...(hostile === undefined ? {} : { hostile }),
  read: async (file) => {
    const { rgb, width, height } = await decodeImage(await readFile(file), file);
    // A size is a value like any other: most formats hold it without a checksum. That the pixels fill it is what is relied upon.
    if (rgb.length !== width * height * 3) throw new RangeError(`${rgb.length} bytes for ${width} x ${height} pixels`);
    return { structure: '', payload: `${width} x ${height} ${sha(rgb)}` };
  },
});

/** A PNG of a size that holds nothing but zeros, or not even those. */
function pngBomb(width: number, height: number, bytes: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', head),
    pngChunk('IDAT', deflateSync(Buffer.alloc(bytes))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

const pngText: Target = {
  name: 'png-text',
  samples: async () => [withPngText(await encodePng(RGB, WIDTH, HEIGHT), { controllab: '{"seed":1}', 'a b': 'ü' })],
  place: async (folder) => path.join(folder, 'x.png'),
  read: async (file) => ({ structure: '', payload: JSON.stringify(readPngText(await readFile(file))) }),
};

export const pictures: readonly Target[] = [
  picture(
    'png',
    async () => [
      await encodePng(RGB, WIDTH, HEIGHT),
      await raw().png({ palette: true }).toBuffer(),
      await raw().toColourspace('rgb16').png().toBuffer(),
    ],
    () => [pngBomb(1_000_000, 1_000_000, 100), pngBomb(13_000, 13_000, 100), pngBomb(0x7fff_ffff, 1, 100)],
  ),
  picture('jpeg', async () => [
    await raw().jpeg().toBuffer(),
    await raw().jpeg({ progressive: true }).toBuffer(),
    await raw().toColourspace('cmyk').jpeg().toBuffer(),
  ]),
  picture('gif', async () => [await raw().gif().toBuffer()]),
  picture('tiff', async () => [await raw().tiff({ compression: 'none' }).toBuffer(), await raw().tiff({ compression: 'lzw' }).toBuffer()]),
  picture('webp', async () => [await raw().webp().toBuffer(), await raw().webp({ lossless: true }).toBuffer()]),
  pngText,
];
