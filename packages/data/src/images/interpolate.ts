import { DataError } from '../errors.ts';
import type { RasterSize } from './resample.ts';

/**
 * Where an output sample lies in the input: `half-pixel` aligns the images' outlines (torch's `interpolate` with align_corners=False),
 * `tf1` their first samples (TensorFlow 1's `resize_bilinear`: output i stands at i * from / to, everything shifted up and left).
 */
export type SampleGrid = 'half-pixel' | 'tf1';

interface Neighbours {
  low: Int32Array;
  high: Int32Array;
  /** Weight of `high`. */
  share: Float32Array;
}

/** Positions are computed in float32 as both references do: at a side of 1000 the rounding is visible in the third digit. */
function neighbours(from: number, to: number, grid: SampleGrid): Neighbours {
  const scale = Math.fround(from / to);
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const share = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = grid === 'tf1' ? Math.fround(i * scale) : Math.max(0, Math.fround((i + 0.5) * scale - 0.5));
    low[i] = Math.min(Math.floor(at), from - 1);
    high[i] = Math.min(low[i]! + 1, from - 1);
    share[i] = at - low[i]!;
  }
  return { low, high, share };
}

/**
 * Bilinear interpolation between the four nearest samples, also when shrinking: no antialiasing, as FID's first implementations resize.
 * `pixels`: [H, W, C]; gives [H', W', C] on the same scale, unrounded.
 * @throws DataError invalid-shape when the sizes are no positive integers or do not fit the samples.
 */
export function interpolate(pixels: Uint8Array, from: RasterSize, to: RasterSize, grid: SampleGrid): Float32Array {
  const channels = pixels.length / (from.width * from.height);
  if (![from.width, from.height, to.width, to.height, channels].every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new DataError(
      'invalid-shape',
      `Error in interpolate: expected whole sizes and [H, W, C] samples, got ${from.height}x${from.width} to ${to.height}x${to.width} with ${pixels.length} samples`,
      { from, to, length: pixels.length },
    );
  }
  const across = neighbours(from.width, to.width, grid);
  const down = neighbours(from.height, to.height, grid);
  const result = new Float32Array(to.width * to.height * channels);
  for (let y = 0, i = 0; y < to.height; y++) {
    const upper = down.low[y]! * from.width;
    const lower = down.high[y]! * from.width;
    const shareDown = down.share[y]!;
    for (let x = 0; x < to.width; x++) {
      const left = across.low[x]!;
      const right = across.high[x]!;
      const shareAcross = across.share[x]!;
      for (let c = 0; c < channels; c++) {
        const a = pixels[(upper + left) * channels + c]!;
        const b = pixels[(lower + left) * channels + c]!;
        const top = a + (pixels[(upper + right) * channels + c]! - a) * shareAcross;
        const bottom = b + (pixels[(lower + right) * channels + c]! - b) * shareAcross;
        result[i++] = top + (bottom - top) * shareDown;
      }
    }
  }
  return result;
}
