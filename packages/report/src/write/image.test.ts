import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from './encode-png.ts';
import { imageSheet } from './image-sheet.ts';

const pixel = (value: number) => ({ rgb: new Uint8Array([value, value + 1, value + 2]), width: 1, height: 1 });

describe('encodePng', () => {
  it('keeps every pixel', async () => {
    const rgb = new Uint8Array([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7, 1, 2, 3, 250, 251, 252]);
    const { data, info } = await sharp(await encodePng(rgb, 3, 2))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 3, height: 2, channels: 3 });
    expect([...data]).toEqual([...rgb]);
  });

  it('refuses a wrong number of bytes', () => {
    expect(() => encodePng(new Uint8Array(5), 1, 2)).toThrow(/1 x 2 x 3 = 6 bytes of RGB, got 5/);
  });
});

describe('imageSheet', () => {
  it('places images line by line', () => {
    expect(imageSheet([pixel(10), pixel(20), pixel(30)], 2)).toEqual({
      rgb: new Uint8Array([10, 11, 12, 20, 21, 22, 30, 31, 32, 0, 0, 0]),
      width: 2,
      height: 2,
    });
  });

  it('refuses images of different sizes and no images', () => {
    expect(() => imageSheet([pixel(1), { rgb: new Uint8Array(6), width: 2, height: 1 }], 2)).toThrow(/image 1 of a sheet is 2 x 1/);
    expect(() => imageSheet([], 2)).toThrow(/at least one image/);
  });
});
