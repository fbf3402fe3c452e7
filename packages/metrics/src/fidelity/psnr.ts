import { checkPair, checkRange, type Raster, type SampleRange } from './check.ts';

/**
 * Peak signal-to-noise ratio in decibels, over all samples; Infinity for equal images.
 * @throws MetricsError invalid-shape, empty-input, not-finite, invalid-option
 */
export function psnr(a: Raster, b: Raster, { range }: SampleRange): number {
  checkPair('psnr', a, b);
  checkRange('psnr', range);
  return 10 * Math.log10(range ** 2 / meanSquaredError(a.data, b.data));
}

/** Mean of the squared differences of two lists of one length. */
export function meanSquaredError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}
