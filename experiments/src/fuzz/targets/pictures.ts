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

/** A GIF of so many pixels a side, two of which are there. */
function gifOf(side: number): Buffer {
  const bytes = Buffer.from('GIF89a\0\0\0\0\0\0\0,\0\0\0\0\0\0\0\0\0\x02\x02\x44\x01\0;', 'latin1');
  for (const at of [6, 8, 18, 20]) bytes.writeUInt16LE(side, at);
  return bytes;
}

/** A bitmap with the pixels of WIDTH x HEIGHT, whatever side it claims. */
function bmpOf(bits: number, compression: number, side?: number): Buffer {
  const [palette, masks] = [bits === 8 ? Buffer.from(RGB.subarray(0, 256 * 4 - 700)) : Buffer.alloc(0), compression === 3 ? 12 : 0];
  const head = Buffer.alloc(54 + masks);
  const row = [WIDTH, 3, 0, 0];
  const pixels =
    compression === 1
      ? Buffer.from([...Array.from({ length: HEIGHT }, () => row).flat(), 0, 1])
      : Buffer.alloc(Math.ceil((WIDTH * bits) / 32) * 4 * HEIGHT, RGB);
  head.write('BM', 'latin1');
  head.writeUInt32LE(head.length + palette.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(side ?? WIDTH, 18);
  head.writeInt32LE(side ?? HEIGHT, 22);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  head.writeUInt32LE(palette.length / 4, 46);
  if (masks > 0) [0xff0000, 0xff00, 0xff].forEach((mask, i) => head.writeUInt32LE(mask, 54 + i * 4));
  return Buffer.concat([head, palette, pixels]);
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
  picture(
    'gif',
    async () => [await raw().gif().toBuffer(), await raw().ensureAlpha(0).gif().toBuffer()],
    // 35,000 x 35,000 and 13,000 x 13,000 pixels of which there are two.
    () => [gifOf(35_000), gifOf(13_000)],
  ),
  picture(
    'bmp',
    async () => [bmpOf(8, 0), bmpOf(8, 1), bmpOf(24, 0), bmpOf(32, 3)],
    () => [bmpOf(8, 1, 13_000), bmpOf(24, 0, 13_000), bmpOf(1, 0, 0x7fff_ffff)],
  ),
  picture(
    'ppm',
    async () => [
      Buffer.concat([Buffer.from(`P6\n# a comment\n${WIDTH} ${HEIGHT} 255\n`), RGB]),
      Buffer.from(`P2 ${WIDTH} ${HEIGHT} 1000\n${RGB.subarray(0, WIDTH * HEIGHT).join(' ')}\n`),
    ],
    () => [Buffer.from('P6 13000 13000 255\n'), Buffer.from('P3 13000 13000 255\n1 2 3'), Buffer.from(`P2 ${'9'.repeat(1e6)}`)],
  ),
  picture('tiff', async () => [await raw().tiff({ compression: 'none' }).toBuffer(), await raw().tiff({ compression: 'lzw' }).toBuffer()]),
  picture('webp', async () => [await raw().webp().toBuffer(), await raw().webp({ lossless: true }).toBuffer()]),
  pngText,
];
