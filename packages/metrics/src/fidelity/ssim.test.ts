import { describe, expect, it } from 'vitest';
import { msSsim, ssim } from './ssim.ts';

/** An image of whole numbers. */
const image = (width: number, height: number, channels: number, k: number) => ({
  data: Array.from({ length: width * height * channels }, (_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return (x * 13 + y * 7 + c * 29 + Math.floor((x * y) / 5) + k * Math.floor(x / 3) * Math.floor(y / 4)) % 256;
  }),
  width,
  height,
});
const map = (a: ReturnType<typeof image>, f: (value: number, i: number) => number) => ({ ...a, data: a.data.map(f) });

// Expected values: the same definition as two-dimensional convolutions and average pooling in float64 PyTorch 1.13.
describe('ssim', () => {
  it('agrees with a two-dimensional convolution', () => {
    const a = image(16, 13, 3, 0);
    expect(ssim(a, image(16, 13, 3, 1), { range: 255 })).toBeCloseTo(0.939019712376013, 12);
    expect(
      ssim(
        map(a, (v) => v / 255),
        map(a, (v) => (v * 0.9 + 10) / 255),
        { range: 1 },
      ),
    ).toBeCloseTo(0.9938353768424927, 12);
  });

  it('is 1 for equal images and the luminance term for flat ones', () => {
    const a = image(11, 11, 1, 0);
    expect(ssim(a, a, { range: 255 })).toBeCloseTo(1, 14);
    expect(
      ssim(
        map(a, () => 100),
        map(a, () => 50),
        { range: 255 },
      ),
    ).toBeCloseTo((2 * 100 * 50 + 2.55 ** 2) / (100 ** 2 + 50 ** 2 + 2.55 ** 2), 10);
  });

  it('refuses small images, other shapes, empty ones, NaN and a range of 0', () => {
    const a = image(11, 11, 1, 0);
    expect(() => ssim(image(10, 20, 1, 0), image(10, 20, 1, 0), { range: 255 })).toThrow(/at least 11x11, got 20x10/);
    expect(() => ssim(a, image(11, 12, 1, 0), { range: 255 })).toThrow(
      /expected two images of one shape, got 11x11 with 121 samples and 12x11 with 132 samples/,
    );
    expect(() => ssim(image(0, 0, 1, 0), image(0, 0, 1, 0), { range: 255 })).toThrow(/empty/);
    expect(() =>
      ssim(
        a,
        map(a, (v, i) => (i === 7 ? Number.NaN : v)),
        { range: 255 },
      ),
    ).toThrow(/sample 7 is NaN/);
    expect(() => ssim(a, a, { range: 0 })).toThrow(/positive range/);
  });
});

describe('msSsim', () => {
  it('agrees with convolutions and average pooling, on odd sizes too', () => {
    const [a, c] = [image(181, 178, 1, 0), image(181, 178, 1, 2)];
    expect(
      msSsim(
        a,
        map(a, (v, i) => v * 0.8 + c.data[i]! * 0.2),
        { range: 255 },
      ),
    ).toBeCloseTo(0.9675937737340318, 12);
  });

  it('counts an opposite structure as 0 and refuses images too small for five scales', () => {
    const a = image(176, 176, 1, 0);
    expect(
      msSsim(
        a,
        map(a, (v) => 255 - v),
        { range: 255 },
      ),
    ).toBe(0);
    expect(() => msSsim(image(175, 300, 1, 0), image(175, 300, 1, 0), { range: 255 })).toThrow(
      /5 scales of 11x11 pixels need an image of at least 176x176, got 300x175/,
    );
  });
});
