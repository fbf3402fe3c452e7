import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { prepareSquare, resizedSize } from './prepare.ts';
import reference from './prepared-pictures.json' with { type: 'json' };

/** As fixtures/make/prepared_pictures.py makes them. */
const picture = (width: number, height: number) => ({
  rgb: Uint8Array.from({ length: width * height * 3 }, (_, p) => (p * 7 + Math.floor((p * p) / 32)) % 256),
  width,
  height,
});

describe('prepareSquare', () => {
  it.each(reference.cases)("has torchvision's pixels: $width x $height to $resolution", ({ width, height, resolution, first, sha256 }) => {
    const square = prepareSquare(picture(width, height), resolution);
    expect(square).toMatchObject({ width: resolution, height: resolution });
    expect([...square.rgb.subarray(0, 12)]).toEqual(first);
    expect(createHash('sha256').update(square.rgb).digest('hex')).toBe(sha256);
  });

  it('cuts the longer side off, as int(size * long / short)', () => {
    expect(resizedSize({ width: 30, height: 41 }, 16)).toEqual({ width: 16, height: 21 });
    expect(resizedSize({ width: 101, height: 67 }, 64)).toEqual({ width: 96, height: 64 });
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
