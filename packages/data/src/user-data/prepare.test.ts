import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { coveringSize, preparePicture } from './prepare.ts';
import reference from './prepared-pictures.json' with { type: 'json' };

/** As fixtures/make/prepared_pictures.py makes them. */
const picture = (width: number, height: number) => ({
  rgb: Uint8Array.from({ length: width * height * 3 }, (_, p) => (p * 7 + Math.floor((p * p) / 32)) % 256),
  width,
  height,
});

const prepareSquare = (image: ReturnType<typeof picture>, side: number, place?: readonly [number, number]) =>
  preparePicture(image, { width: side, height: side }, place);

describe('preparePicture', () => {
  it.each(reference.cases)("has torchvision's pixels: $width x $height to $resolution", ({ width, height, resolution, first, sha256 }) => {
    const square = prepareSquare(picture(width, height), resolution);
    expect(square).toMatchObject({ width: resolution, height: resolution });
    expect([...square.rgb.subarray(0, 12)]).toEqual(first);
    expect(createHash('sha256').update(square.rgb).digest('hex')).toBe(sha256);
  });

  it('cuts the longer side off, as int(size * long / short)', () => {
    expect(coveringSize({ width: 30, height: 41 }, { width: 16, height: 16 })).toEqual({ width: 16, height: 21 });
    expect(coveringSize({ width: 101, height: 67 }, { width: 64, height: 64 })).toEqual({ width: 96, height: 64 });
  });

  it('covers a size that is no square, and cuts what stands over', () => {
    const wide = { width: 48, height: 16 };
    expect(coveringSize({ width: 90, height: 60 }, wide)).toEqual({ width: 48, height: 32 });
    expect(coveringSize({ width: 90, height: 20 }, wide)).toEqual({ width: 72, height: 16 });
    expect(coveringSize({ width: 48, height: 16 }, wide)).toEqual(wide);
    const given = picture(48, 32);
    // Rows 8 to 23 of 32, as they are: nothing is resized.
    expect(preparePicture(given, wide).rgb).toEqual(given.rgb.subarray(8 * 48 * 3, 24 * 48 * 3));
    expect(preparePicture(given, wide, [0, 0]).rgb).toEqual(given.rgb.subarray(0, 16 * 48 * 3));
    const tall = picture(20, 90);
    expect(preparePicture(tall, { width: 20, height: 60 }).rgb).toEqual(tall.rgb.subarray(15 * 20 * 3, 75 * 20 * 3));
  });

  it('cuts where it is told', () => {
    const wide = picture(24, 8);
    const column = (square: { rgb: Uint8Array }, x: number) => [...square.rgb.subarray(x * 3, x * 3 + 3)];
    expect(column(prepareSquare(wide, 8, [0, 0]), 0)).toEqual(column(wide, 0));
    expect(column(prepareSquare(wide, 8, [0.999, 0.5]), 7)).toEqual(column(wide, 23));
  });

  it('refuses a picture too long to be held', () => {
    expect(() => prepareSquare(picture(3, 2000), 512)).toThrow(/3 x 2000 is too long to be resized to 512 pixels/);
  });
});
