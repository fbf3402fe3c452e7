import { checkMaps, type Raster } from './check.ts';

/**
 * Intersection over union of two masks [H, W], inside where non-zero; 1 when both are empty.
 * @throws MetricsError invalid-shape, empty-input, not-finite
 */
export function maskIou(predicted: Raster, target: Raster): number {
  checkMaps('maskIou', predicted, target);
  let intersection = 0;
  let union = 0;
  for (let i = 0; i < predicted.data.length; i++) {
    const [p, t] = [predicted.data[i] !== 0, target.data[i] !== 0];
    if (p && t) intersection++;
    if (p || t) union++;
  }
  return union === 0 ? 1 : intersection / union;
}
