import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, MAX_PIXELS, pixelHash } from './decode.ts';
import { tiffOf } from '../testing/archives.ts';

/** Two pixels of 1 to 4 channels. */
const PIXELS = [10, 200, 30, 0, 90, 80, 255, 128];
const raw = (channels: 1 | 2 | 3 | 4) => sharp(Buffer.from(PIXELS.slice(0, 2 * channels)), { raw: { width: 2, height: 1, channels } });
const decode = (bytes: Uint8Array) => decodeImage(bytes, 'set: x.png');
const read = async (bytes: Uint8Array) => {
  const { rgb, conversions } = await decode(bytes);
  return [[...rgb], ...conversions];
};

describe('decodeImage', () => {
  it('reads plain images as they are', async () => {
    expect(await decode(await raw(3).png().toBuffer())).toEqual({
      rgb: Buffer.from(PIXELS.slice(0, 6)),
      width: 2,
      height: 1,
      conversions: [],
    });
  });

  it('drops transparency and keeps the colours below it', async () => {
    // The first pixel is transparent: it would be black or white if composited.
    expect(await read(await raw(4).png().toBuffer())).toEqual([[10, 200, 30, 90, 80, 255], 'alpha']);
    expect(await read(await raw(3).ensureAlpha().png().toBuffer())).toEqual([PIXELS.slice(0, 6)]);
  });

  it('repeats a grey channel, with transparency or without', async () => {
    expect(await read(await raw(1).toColourspace('b-w').png().toBuffer())).toEqual([[10, 10, 10, 200, 200, 200], 'grey']);
    expect(await read(await raw(2).toColourspace('b-w').png().toBuffer())).toEqual([[10, 10, 10, 30, 30, 30], 'alpha', 'grey']);
  });

  it('keeps the upper eight of sixteen bits', async () => {
    const samples = new Uint8Array(Uint16Array.of(0x12ff, 0xfe00, 0x00ff, 0xffff, 0x8000, 0x7fff).buffer);
    expect(await read(tiffOf(2, 1, samples, { photometric: 2, bits: 16 }))).toEqual([[0x12, 0xfe, 0, 0xff, 0x80, 0x7f], 'deep-colour']);
    expect(await read(tiffOf(2, 1, samples.subarray(0, 4), { photometric: 1, bits: 16 }))).toEqual([
      [0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe],
      'grey',
      'deep-colour',
    ]);
  });

  it('converts CMYK as Pillow 9.4 does', async () => {
    expect(await read(tiffOf(2, 1, Uint8Array.of(127, 181, 81, 110, 140, 185, 84, 123), { photometric: 5 }))).toEqual([
      [73, 42, 99, 60, 36, 89],
      'cmyk',
    ]);
  });

  it('says what else it passed over: an orientation, a profile, further frames', async () => {
    const turned = await decode(await raw(3).withMetadata({ orientation: 6 }).withIccProfile('p3').jpeg().toBuffer());
    expect(turned).toMatchObject({ width: 2, height: 1, conversions: ['orientation', 'profile'] });
    // By Pillow: its second frame is another colour.
    const apng =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAACGFjVEwAAAACAAAAAPONk3AAAAAaZmNUTAAAAAAAAAABAAAAAQAAAAAAAAAAAAAAAQAAa0r2gQAAAAxJREFUeJxj4ORgBwAANgAZbrUqKgAAABpmY1RMAAAAAQAAAAEAAAABAAAAAAAAAAAAAAABAADwORxVAAAAEGZkQVQAAAACeJxjYGRiBgAADgAHt1nLYAAAAABJRU5ErkJggg==';
    expect(await read(Buffer.from(apng, 'base64'))).toEqual([[9, 8, 7], 'frames']);
    const frames = sharp(Buffer.from([0, 0, 0, 255, 255, 255]), { raw: { width: 1, height: 2, channels: 3, pageHeight: 1 } });
    expect(await decode(await frames.gif().toBuffer())).toMatchObject({
      height: 1,
      conversions: expect.arrayContaining(['frames']) as unknown,
    });
  });

  it('names a file that is cut short, damaged, empty or no image', async () => {
    const noise = sharp(Buffer.from(Array.from({ length: 3072 }, (_, i) => (i * i * 7919) % 251)), {
      raw: { width: 32, height: 32, channels: 3 },
    });
    for (const format of ['png', 'jpeg', 'webp', 'tiff'] as const) {
      const whole = await noise.toFormat(format).toBuffer();
      for (const share of [0.5, 0.95])
        await expect(decode(whole.subarray(0, share * whole.length)), `${format} at ${share}`).rejects.toThrow(
          /^set: x\.png cannot be decoded \(cut short, damaged, or no image\): /,
        );
    }
    const png = await noise.png().toBuffer();
    png[200]! ^= 0xff;
    await expect(decode(png)).rejects.toMatchObject({ code: 'invalid-image' });
    await expect(decode(Buffer.from('a text that calls itself an image'))).rejects.toMatchObject({ code: 'invalid-image' });
    await expect(decode(Buffer.alloc(0))).rejects.toMatchObject({ code: 'invalid-image', values: { bytes: 0 } });
  });

  it('refuses drawings, floats and deep CMYK', async () => {
    await expect(decode(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))).rejects.toThrow(
      'set: x.png holds svg, which is not read as an image',
    );
    await expect(decode(tiffOf(1, 1, new Uint8Array(4), { photometric: 1, bits: 32, float: true }))).rejects.toThrow(
      /has float samples in the colour space .*; 8- and 16-bit grey and RGB and 8-bit CMYK are read/,
    );
    await expect(decode(tiffOf(1, 1, new Uint8Array(8), { photometric: 5, bits: 16 }))).rejects.toMatchObject({
      code: 'unsupported-image',
    });
  });

  it('refuses a decompression bomb by its header, before decoding it', async () => {
    const bomb = tiffOf(20_000, 20_000, new Uint8Array(16), { photometric: 1 });
    await expect(decode(bomb)).rejects.toThrow(`set: x.png has 20000 x 20000 pixels, the limit is ${MAX_PIXELS}`);
  });
});

describe('pixelHash', () => {
  it('is that of the pixels, whatever the file format, and of their arrangement', async () => {
    const [png, webp] = await Promise.all([raw(3).png().toBuffer(), raw(3).webp({ lossless: true }).toBuffer()]);
    const image = await decode(png);
    expect(pixelHash(await decode(webp))).toBe(pixelHash(image));
    expect(pixelHash({ ...image, width: 1, height: 2 })).not.toBe(pixelHash(image));
  });
});
