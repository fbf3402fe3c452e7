import { expect, it } from 'vitest';
import { cielab, colourDifference } from './colour-difference.ts';

// Of sRGB's primaries under D65, as Bruce Lindbloom's calculator and the standard's matrix give them.
it.each([
  [
    [255, 0, 0],
    [53.2408, 80.0925, 67.2032],
  ],
  [
    [0, 255, 0],
    [87.7347, -86.1827, 83.1793],
  ],
  [
    [0, 0, 255],
    [32.297, 79.1875, -107.8602],
  ],
  [
    [255, 255, 255],
    [100, 0, 0],
  ],
  [
    [128, 128, 128],
    [53.585, 0, 0],
  ],
  [
    [0, 0, 0],
    [0, 0, 0],
  ],
] as const)('the CIELAB of %j is %j', (rgb, lab) => {
  cielab(rgb).forEach((value, i) => expect(value).toBeCloseTo(lab[i]!, 1));
});

it('is the distance in it: 100 from black to white, 176.3 from red to blue', () => {
  expect(colourDifference([0, 0, 0], [255, 255, 255])).toBeCloseTo(100, 3);
  expect(colourDifference([255, 0, 0], [0, 0, 255])).toBeCloseTo(176.31, 1);
  expect(colourDifference([12, 34, 56], [12, 34, 56])).toBe(0);
});
