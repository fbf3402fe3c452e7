import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resample, resampleToFloat } from './resample.ts';

/** A picture that wraps around at 256. */
const picture = (width: number, height: number, channels = 3) =>
  Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [k, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return (y * 53 + x * 97 + k * 31 + x * y * 7) % 256;
  });

// Pillow 9.4.0: Image.fromarray(a).resize((W, H), filter)
describe('resample', () => {
  it('shrinks and enlarges bytes as Pillow does', () => {
    expect([...resample(picture(7, 5), { width: 7, height: 5 }, { width: 4, height: 3 }, 'bicubic')]).toEqual([
      69, 100, 126, 102, 136, 87, 138, 140, 110, 134, 100, 128, 130, 161, 130, 100, 132, 144, 116, 135, 139, 98, 104, 139, 134, 165, 109,
      111, 145, 101, 123, 131, 91, 153, 132, 76,
    ]);
    expect([...resample(picture(7, 5), { width: 7, height: 5 }, { width: 9, height: 2 }, 'bilinear')]).toEqual([
      53, 84, 115, 115, 146, 138, 119, 150, 112, 89, 120, 88, 97, 128, 159, 133, 164, 113, 143, 122, 107, 127, 96, 127, 95, 126, 157, 159,
      190, 140, 114, 145, 109, 112, 143, 106, 124, 155, 123, 71, 102, 133, 117, 148, 107, 145, 117, 107, 141, 102, 105, 111, 142, 91,
    ]);
    const large = resample(picture(411, 300), { width: 411, height: 300 }, { width: 306, height: 224 }, 'bicubic');
    expect(createHash('sha256').update(large).digest('hex')).toBe('d44cb99ed3760ad48a5b184111f69ee86c204b3c8a762ef04ee0a36a350fde44');
  });

  it('keeps floats unrounded and unclipped', () => {
    const grey = Float32Array.from(picture(4, 3, 1));
    const want = [
      -10.34682, 34.58713, 114.0625, 205.7928, 120.3907, 17.64871, 9.693932, 62.32133, 122.9974, 128.6121, 89.75285, 53.22948, 46.15789,
      110.8824, 143.5185, 18.48148, 51.11765, 115.8421, 82.62186, 150.3407, 184.4576, 53.42551, 94.40694, 168.274, 102.6626, 170.9822,
      209.3015, 89.28336, 127.6027, 195.9223,
    ];
    const got = resample(grey, { width: 4, height: 3 }, { width: 6, height: 5 }, 'bicubic');
    for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 3);
  });

  it('makes of bytes what it makes of them as floats', () => {
    for (const to of [
      { width: 6, height: 5 },
      { width: 4, height: 9 },
      { width: 7, height: 7 },
    ])
      for (const filter of ['bilinear', 'bicubic'] as const)
        expect(resampleToFloat(picture(7, 7), { width: 7, height: 7 }, to, filter)).toEqual(
          resample(Float32Array.from(picture(7, 7)), { width: 7, height: 7 }, to, filter),
        );
  });

  it('gives a copy at the same size and refuses samples that are not [H, W, C]', () => {
    const pixels = picture(4, 3);
    const same = resample(pixels, { width: 4, height: 3 }, { width: 4, height: 3 }, 'bicubic');
    expect(same).toEqual(pixels);
    expect(same).not.toBe(pixels);
    expect(() => resample(pixels, { width: 5, height: 3 }, { width: 4, height: 3 }, 'bicubic')).toThrow(/3x5 to 3x4 with 36 samples/);
    expect(() => resample(pixels, { width: 4, height: 3 }, { width: 0, height: 3 }, 'bicubic')).toThrow(/whole sizes/);
  });
});
