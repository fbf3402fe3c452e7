import { describe, expect, it } from 'vitest';
import { interpolate } from './interpolate.ts';

const from = { width: 3, height: 2 };
const pixels = Uint8Array.of(0, 97, 194, 53, 157, 5);
const close = (got: Float32Array, want: number[]) => {
  expect(got).toHaveLength(want.length);
  want.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 4));
};

describe('interpolate', () => {
  it('doubles a step by hand on either grid', () => {
    const step = Uint8Array.of(0, 100);
    // Outputs at -0.25 (clamped), 0.25, 0.75, 1.25 (clamped); against 0, 0.5, 1, 1.5 (clamped).
    close(interpolate(step, { width: 2, height: 1 }, { width: 4, height: 1 }, 'half-pixel'), [0, 25, 75, 100]);
    close(interpolate(step, { width: 2, height: 1 }, { width: 4, height: 1 }, 'tf1'), [0, 50, 100, 100]);
    // Four samples to two: halves are averaged, or every second one is taken.
    const ramp = Uint8Array.of(0, 10, 50, 70);
    close(interpolate(ramp, { width: 1, height: 4 }, { width: 1, height: 2 }, 'half-pixel'), [5, 60]);
    close(interpolate(ramp, { width: 1, height: 4 }, { width: 1, height: 2 }, 'tf1'), [0, 50]);
  });

  it('is torch.nn.functional.interpolate(mode="bilinear", align_corners=False) on half pixels (1.13)', () => {
    close(
      interpolate(pixels, from, { width: 5, height: 4 }, 'half-pixel'),
      [0, 38.8, 97, 155.2, 194, 13.25, 52.75, 112, 132.85, 146.75, 39.75, 80.65, 142, 88.15, 52.25, 53, 94.6, 157, 65.8, 5],
    );
    close(interpolate(pixels, from, { width: 2, height: 1 }, 'half-pixel'), [51.625, 106.375]);
  });

  it("is TensorFlow 1's resize_bilinear on its grid", () => {
    close(
      interpolate(pixels, from, { width: 5, height: 4 }, 'tf1'),
      [0, 58.2, 116.4, 174.6, 194, 26.5, 86.8, 121.5, 105, 99.5, 53, 115.4, 126.6, 35.4, 5, 53, 115.4, 126.6, 35.4, 5],
    );
  });

  it('keeps the samples at the same size and refuses what is not [H, W, C]', () => {
    for (const grid of ['half-pixel', 'tf1'] as const)
      expect([...interpolate(pixels, { width: 1, height: 2 }, { width: 1, height: 2 }, grid)]).toEqual([...pixels]);
    expect(() => interpolate(pixels, { width: 4, height: 2 }, from, 'tf1')).toThrow(/2x4 to 2x3 with 6 samples/);
  });
});
