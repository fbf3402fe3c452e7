import { describe, expect, it } from 'vitest';
import { edgeOds } from './edge-ods.ts';

const raster = (width: number, ...data: number[]) => ({ data, width, height: data.length / width });

describe('edgeOds', () => {
  // Two images of 4 pixels. At 0.6: found 2 of 3 targets (0.9, 0.6) with 2 predicted: F1 = 4/5. At 0.3: all 3 with one false: 6/7. Below: 2
  // false, 3/4.
  const images = [
    { predicted: raster(2, 0.9, 0.1, 0.6, 0), target: raster(2, 1, 0, 1, 0) },
    { predicted: raster(2, 0.3, 0.4, 0, 0.2), target: raster(2, 255, 0, 0, 0) },
  ];

  it('finds the one threshold that is best for all images', () => {
    expect(edgeOds(images, { tolerance: 0 })).toEqual({
      precision: 3 / 4,
      recall: 1,
      f1: expect.closeTo(6 / 7, 12) as number,
      threshold: 0.3,
      images: 2,
    });
  });

  it('lets pixels match within the tolerance', () => {
    // the 0.4 stands beside a target: no false edge is left above 0.2
    expect(edgeOds(images, { tolerance: 1 })).toMatchObject({ f1: 1, precision: 1, recall: 1, threshold: 0.4 });
  });

  it('takes float32 strengths at the thresholds of their names', () => {
    for (const strength of [0.29, 0.57, 0.58, 0.07]) {
      const predicted = { data: Float32Array.of(strength), width: 1, height: 1 };
      expect(edgeOds([{ predicted, target: raster(1, 1) }], { tolerance: 0 }).threshold).toBe(strength);
    }
  });

  it('is 0 without any overlap and 1 without any edge', () => {
    expect(edgeOds([{ predicted: raster(2, 1, 0), target: raster(2, 0, 1) }], { tolerance: 0 }).f1).toBe(0);
    expect(edgeOds([{ predicted: raster(2, 0, 0), target: raster(2, 0, 0) }], { tolerance: 0 }).f1).toBe(1);
  });

  it('refuses no images, strengths beyond 0 to 1 and other sizes', () => {
    expect(() => edgeOds([], { tolerance: 0 })).toThrow(/at least one image/);
    expect(() => edgeOds([{ predicted: raster(1, 255), target: raster(1, 1) }], { tolerance: 0 })).toThrow(
      /image 0: expected edge strengths from 0 to 1, got 255 at pixel 0/,
    );
    expect(() => edgeOds([{ predicted: raster(1, 1, 1), target: raster(1, 1) }], { tolerance: 0 })).toThrow(
      /image 0: expected two images of one shape/,
    );
    expect(() => edgeOds([{ predicted: raster(1, Number.NaN), target: raster(1, 1) }], { tolerance: 0 })).toThrow(/sample 0 is NaN/);
  });
});
