import type { RgbImage } from '@controllab/data';

const SIDE = 8;

/** Steps of JPEG's standard luminance table, by row and column of the frequency (ITU-T T.81, table K.1). */
const STEPS = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22,
  37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/** The orthonormal cosine transform of 8 samples, [frequency, position]. */
const COSINES = Float64Array.from({ length: SIDE * SIDE }, (_, i) => {
  const [frequency, position] = [Math.floor(i / SIDE), i % SIDE];
  return Math.sqrt((frequency === 0 ? 1 : 2) / SIDE) * Math.cos(((2 * position + 1) * frequency * Math.PI) / (2 * SIDE));
});

/** `matrix` [8, 8], or its transpose, times every column of `block` [8, 8]; the result transposed, so that two calls treat both axes. */
function transform(block: Float64Array, matrix: Float64Array, transposed: boolean): Float64Array {
  const result = new Float64Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) sum += matrix[transposed ? k * SIDE + row : row * SIDE + k]! * block[k * SIDE + column]!;
      result[column * SIDE + row] = sum;
    }
  }
  return result;
}

/** A block's frequencies rounded to multiples of the table's steps times `scale`. */
function quantised(block: Float64Array, scale: number): Float64Array {
  const frequencies = transform(transform(block, COSINES, false), COSINES, false);
  const rounded = frequencies.map((value, i) => Math.round(value / (scale * STEPS[i]!)) * scale * STEPS[i]!);
  return transform(transform(rounded, COSINES, true), COSINES, true);
}

/**
 * What JPEG's quantisation leaves of an image: luma and chroma in blocks of 8 x 8 pixels, their cosine transforms rounded to multiples of
 * the standard luminance table times `scale` (1 is quality 50). Chroma is neither subsampled nor quantised by a table of its own.
 */
export function blockTransform({ rgb, width, height }: RgbImage, scale: number): Uint8Array {
  const result = new Uint8ClampedArray(rgb.length);
  const block = [0, 1, 2].map(() => new Float64Array(SIDE * SIDE)) as [Float64Array, Float64Array, Float64Array];
  for (let top = 0; top < height; top += SIDE) {
    for (let left = 0; left < width; left += SIDE) {
      for (let i = 0; i < SIDE * SIDE; i++) {
        // Beyond the border the last pixel goes on.
        const [y, x] = [Math.min(height - 1, top + Math.floor(i / SIDE)), Math.min(width - 1, left + (i % SIDE))];
        const [r, g, b] = rgb.subarray((y * width + x) * 3) as unknown as [number, number, number];
        const luma = 0.299 * r + 0.587 * g + 0.114 * b;
        block[0][i] = luma - 128;
        block[1][i] = (b - luma) / 1.772;
        block[2][i] = (r - luma) / 1.402;
      }
      const [luma, blue, red] = block.map((plane) => quantised(plane, scale)) as typeof block;
      for (let y = 0; y < Math.min(SIDE, height - top); y++) {
        for (let x = 0; x < Math.min(SIDE, width - left); x++) {
          const i = y * SIDE + x;
          const [l, b, r] = [luma[i]! + 128, blue[i]! * 1.772, red[i]! * 1.402];
          result.set([l + r, l - (0.299 * r + 0.114 * b) / 0.587, l + b], ((top + y) * width + left + x) * 3);
        }
      }
    }
  }
  return Uint8Array.from(result);
}
