import { MetricsError } from '../errors.ts';
import { checkFinite, checkMaps, type Raster } from './check.ts';
import { meanSquaredError } from './psnr.ts';

/**
 * A depth estimator's map as bytes, its largest value at 255 and fractions cut off: what ControlNet++ conditions on and compares.
 * @throws MetricsError empty-input, not-finite, invalid-option for depths below zero or all zero
 */
export function depthToBytes({ data, width, height }: Raster): Raster & { data: Uint8Array } {
  if (data.length === 0) throw new MetricsError('empty-input', 'Error in depthToBytes: the map is empty');
  checkFinite('depthToBytes', data);
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i]! < 0)
      throw new MetricsError('invalid-option', `Error in depthToBytes: expected depths from 0 up, got ${data[i]} at pixel ${i}`, {
        index: i,
        value: data[i],
      });
    most = Math.max(most, data[i]!);
  }
  if (most === 0)
    throw new MetricsError('invalid-option', 'Error in depthToBytes: every depth is 0, so there is no largest one to scale to', { most });
  return { data: Uint8Array.from({ length: data.length }, (_, i) => Math.floor((data[i]! * 255) / most)), width, height };
}

/**
 * Root mean squared error of two depth maps on one scale; on maps of bytes (see {@link depthToBytes}) the depth RMSE of ControlNet++,
 * whose tables average it over the images.
 * @throws MetricsError invalid-shape, empty-input, not-finite
 */
export function depthRmse(predicted: Raster, target: Raster): number {
  checkMaps('depthRmse', predicted, target);
  return Math.sqrt(meanSquaredError(predicted.data, target.data));
}

/**
 * Root mean squared error after the scale and shift that fit best, in the target's units: relative depth estimators know neither.
 * Least squares over all pixels (Ranftl et al. 2020, section 5); a constant prediction is fitted by the target's mean. The scale may come
 * out negative, which means that near and far are swapped.
 * @throws MetricsError invalid-shape, empty-input, not-finite
 */
export function alignedDepthRmse(predicted: Raster, target: Raster): { rmse: number; scale: number; shift: number } {
  checkMaps('alignedDepthRmse', predicted, target);
  const n = predicted.data.length;
  let [meanP, meanT] = [0, 0];
  for (let i = 0; i < n; i++) {
    meanP += predicted.data[i]! / n;
    meanT += target.data[i]! / n;
  }
  let [variance, covariance] = [0, 0];
  for (let i = 0; i < n; i++) {
    variance += (predicted.data[i]! - meanP) ** 2;
    covariance += (predicted.data[i]! - meanP) * (target.data[i]! - meanT);
  }
  const scale = variance === 0 ? 0 : covariance / variance;
  const shift = meanT - scale * meanP;
  const fitted = Float64Array.from({ length: n }, (_, i) => scale * predicted.data[i]! + shift);
  return { rmse: Math.sqrt(meanSquaredError(fitted, target.data)), scale, shift };
}
