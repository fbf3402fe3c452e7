import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { canny } from '@controllab/data';
import { pngChunk } from '@controllab/report';
import { afterAll, describe, expect, it } from 'vitest';
import { shownSize, loadCondition } from './condition.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'condition-'));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

async function put(name: string, channels: 1 | 3 | 4, pixels: number[], width: number): Promise<string> {
  const file = path.join(directory, name);
  await sharp(Uint8Array.from(pixels), { raw: { width, height: pixels.length / channels / width, channels } })
    .png()
    .toFile(file);
  return file;
}
const size = { width: 2, height: 1 };

it('reads grey, colour and transparent images', async () => {
  const rgbOf = async (...args: Parameters<typeof put>) => [...(await loadCondition(await put(...args), 'none', size)).rgb];
  expect(await rgbOf('grey.png', 1, [10, 200], 2)).toEqual([10, 10, 10, 200, 200, 200]);
  expect(await rgbOf('colour.png', 3, [1, 2, 3, 4, 5, 6], 2)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await rgbOf('clear.png', 4, [255, 255, 255, 0, 9, 8, 7, 255], 2)).toEqual([0, 0, 0, 9, 8, 7]);
});

it('stretches to the size asked for and then finds edges', async () => {
  const file = await put('step.png', 1, [0, 255], 2);
  expect(await shownSize(file)).toEqual(size);
  const { rgb, width, height } = await loadCondition(file, 'canny', { width: 16, height: 8 });
  expect([width, height]).toEqual([16, 8]);
  const stretched = new Uint8Array(await sharp(file).toColourspace('srgb').resize(16, 8, { fit: 'fill' }).raw().toBuffer());
  const edges = canny(stretched, 16, 8);
  expect(edges.some((edge) => edge === 255)).toBe(true);
  expect([...rgb]).toEqual([...edges].flatMap((edge) => [edge, edge, edge]));
});

it('names a file that is no image', async () => {
  const file = path.join(directory, 'x.png');
  fs.writeFileSync(file, 'text');
  await expect(loadCondition(file, 'none', size)).rejects.toMatchObject({
    code: 'invalid-image',
    message: expect.stringMatching(/x\.png/),
  });
  await expect(shownSize(path.join(directory, 'none.png'))).rejects.toMatchObject({ code: 'invalid-image' });
});

describe('an image as Pillow reads it', () => {
  /** Values and a format that sharp does not write. */
  const png = (header: number[], rows: number[][]): Buffer => {
    const pixels = deflateSync(Buffer.concat(rows.map((row) => Buffer.from([0, ...row]))));
    const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
    return Buffer.concat([signature, pngChunk('IHDR', Buffer.from(header)), pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))]);
  };
  const two = [0, 0, 0, 2, 0, 0, 0, 1];
  const rgbOf = async (name: string, bytes: Buffer, wanted = size, warned: string[] = []) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, bytes);
    return [...(await loadCondition(file, 'none', wanted, (message) => warned.push(message))).rgb];
  };

  it('has the upper 8 of 16 bits', async () => {
    // 0x1234 and 0xabcd.
    expect(await rgbOf('grey16.png', png([...two, 16, 0, 0, 0, 0], [[0x12, 0x34, 0xab, 0xcd]]))).toEqual([18, 18, 18, 171, 171, 171]);
    const deep = [0x01, 0xff, 0x80, 0, 0xff, 0, 0, 0x10, 0x20, 0x30, 0x40, 0x50];
    expect(await rgbOf('rgb16.png', png([...two, 16, 2, 0, 0, 0], [deep]))).toEqual([1, 128, 255, 0, 32, 64]);
  });

  it('is black and white of one bit, and grey with an opaque alpha', async () => {
    expect(await rgbOf('bits.png', png([...two, 1, 0, 0, 0, 0], [[0b01000000]]))).toEqual([0, 0, 0, 255, 255, 255]);
    const warned: string[] = [];
    expect(await rgbOf('la.png', png([...two, 8, 4, 0, 0, 0], [[7, 255, 9, 255]]), size, warned)).toEqual([7, 7, 7, 9, 9, 9]);
    expect(warned).toEqual([]);
    expect(await rgbOf('la2.png', png([...two, 8, 4, 0, 0, 0], [[200, 51, 9, 255]]), size, warned)).toEqual([40, 40, 40, 9, 9, 9]);
    expect(warned).toEqual([expect.stringMatching(/la2\.png has transparent parts; a control sees them black/)]);
  });

  it('is of four inks without a profile', async () => {
    // Pillow: 255 - K - C (255 - K) / 255, ...
    const cmyk = tiff({ photometric: 5, samples: 4, bits: 8, format: 1, pixels: Buffer.from([0, 128, 255, 0, 255, 0, 0, 51]) });
    expect(await rgbOf('cmyk.tif', cmyk)).toEqual([255, 127, 0, 0, 204, 204]);
  });

  it.each([
    // The stored picture is 1 2 / 3 4 / 5 6; what is shown, by EXIF's definition of each orientation.
    [1, 2, [1, 2, 3, 4, 5, 6]],
    [2, 2, [2, 1, 4, 3, 6, 5]],
    [3, 2, [6, 5, 4, 3, 2, 1]],
    [4, 2, [5, 6, 3, 4, 1, 2]],
    [5, 3, [1, 3, 5, 2, 4, 6]],
    [6, 3, [5, 3, 1, 6, 4, 2]],
    [7, 3, [6, 4, 2, 5, 3, 1]],
    [8, 3, [2, 4, 6, 1, 3, 5]],
  ])('is turned as orientation %i says', async (orientation, width, shown) => {
    const stored = sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), { raw: { width: 2, height: 3, channels: 1 } });
    const bytes = await stored.withMetadata({ orientation }).png().toBuffer();
    const grey = (await rgbOf(`turned-${orientation}.png`, bytes, { width, height: 6 / width })).filter((_, i) => i % 3 === 0);
    expect(grey).toEqual(shown);
    expect(await shownSize(path.join(directory, `turned-${orientation}.png`))).toEqual({ width, height: 6 / width });
  });

  it('is refused where no 8 bits stand for its values', async () => {
    const float = tiff({ photometric: 1, samples: 1, bits: 32, format: 3, pixels: Buffer.alloc(8) });
    await expect(rgbOf('float.tif', float)).rejects.toThrow(/Cannot read the image .*float\.tif: it has float samples/);
  });

  it('is stretched to another shape with a word', async () => {
    const warned: string[] = [];
    await rgbOf('wide.png', png([...two, 8, 0, 0, 0, 0], [[1, 2]]), { width: 8, height: 8 }, warned);
    expect(warned).toEqual([expect.stringMatching(/wide\.png is 2 x 1 and is stretched to 8 x 8, which is another shape/)]);
  });
});

interface Tiff {
  photometric: number;
  samples: number;
  bits: number;
  format: number;
  pixels: Buffer;
}

/** A TIFF of 2 x 1 pixels by hand: header, one directory, bits of each sample at 160, pixels at 200. */
function tiff({ photometric, samples, bits, format, pixels }: Tiff): Buffer {
  const entries = [
    [256, 3, 1, 2],
    [257, 3, 1, 1],
    [258, 3, samples, samples > 2 ? 160 : bits],
    [259, 3, 1, 1],
    [262, 3, 1, photometric],
    [273, 4, 1, 200],
    [277, 3, 1, samples],
    [278, 3, 1, 1],
    [279, 4, 1, pixels.length],
    [339, 3, 1, format],
  ] as const;
  const file = Buffer.alloc(200);
  file.write('II*\0\x08\0\0\0', 0, 'latin1');
  file.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, count, value], i) => {
    file.writeUInt16LE(tag, 10 + i * 12);
    file.writeUInt16LE(type, 12 + i * 12);
    file.writeUInt32LE(count, 14 + i * 12);
    file.writeUInt32LE(value, 18 + i * 12);
  });
  for (let i = 0; i < samples; i++) file.writeUInt16LE(bits, 160 + i * 2);
  return Buffer.concat([file, pixels]);
}
