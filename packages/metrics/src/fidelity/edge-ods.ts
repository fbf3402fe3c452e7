import { MetricsError } from '../errors.ts';
import { checkMaps, type Raster } from './check.ts';
import { dilate } from './dilate.ts';
import { agreement, checkTolerance, type EdgeAgreement, type EdgeTolerance } from './edge-f1.ts';

/** A soft edge map and the edges it should show. */
export interface SoftEdges {
  /** Strength of the edge at every pixel, 0 to 1. */
  predicted: Raster;
  /** Edge where non-zero. */
  target: Raster;
}

/** Thresholds 1/100, 2/100, ..., 99/100, as in the Berkeley benchmark. */
const THRESHOLDS = 99;

/**
 * ODS, the F1 of soft edge maps (HED, PiDiNet) at the one threshold that is best for the whole data set: counts are summed over the
 * images before precision and recall are taken (Martin, Fowlkes and Malik 2004; Arbelaez et al. 2011). Pixels match as in `edgeF1`,
 * any edge within the tolerance, where the Berkeley benchmark pairs them one to one after thinning: values are somewhat higher.
 * @throws MetricsError empty-input without images, invalid-shape, not-finite, invalid-option for strengths outside of 0 to 1
 */
export function edgeOds(images: Iterable<SoftEdges>, { tolerance }: EdgeTolerance): EdgeAgreement & { threshold: number; images: number } {
  checkTolerance('edgeOds', tolerance);
  // Counts by the highest threshold that a pixel passes; summed from above they are the counts at every threshold.
  const [predicted, predictedHits, targetHits] = Array.from({ length: 3 }, () => new Float64Array(THRESHOLDS + 1)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let target = 0;
  let count = 0;
  for (const { predicted: soft, target: edges } of images) {
    checkMaps(`edgeOds, image ${count}`, soft, edges);
    const passed = levels(soft.data, count);
    const near = levels(dilate(soft, tolerance), count);
    const nearTarget = dilate(edges, tolerance);
    for (let i = 0; i < passed.length; i++) {
      predicted[passed[i]!]!++;
      if (nearTarget[i]) predictedHits[passed[i]!]!++;
      if (edges.data[i]) {
        target++;
        targetHits[near[i]!]!++;
      }
    }
    count++;
  }
  if (count === 0) throw new MetricsError('empty-input', 'Error in edgeOds: expected at least one image, got none');
  const sums = { predicted: 0, predictedHits: 0, targetHits: 0 };
  let best: EdgeAgreement & { threshold: number } = { precision: 0, recall: 0, f1: -1, threshold: 0 };
  for (let level = THRESHOLDS; level >= 1; level--) {
    sums.predicted += predicted[level]!;
    sums.predictedHits += predictedHits[level]!;
    sums.targetHits += targetHits[level]!;
    const at = agreement({ ...sums, target });
    if (at.f1 > best.f1) best = { ...at, threshold: level / (THRESHOLDS + 1) };
  }
  return { ...best, images: count };
}

/** Index of the highest threshold that each strength reaches, 0 for none. */
function levels(strengths: ArrayLike<number>, image: number): Uint8Array {
  const result = new Uint8Array(strengths.length);
  for (let i = 0; i < strengths.length; i++) {
    const strength = strengths[i]!;
    if (!(strength >= 0 && strength <= 1))
      throw new MetricsError(
        'invalid-option',
        `Error in edgeOds, image ${image}: expected edge strengths from 0 to 1, got ${strength} at pixel ${i}`,
        { image, index: i, strength },
      );
    // float32 strengths such as 0.29 lie a rounding below their decimal: they reach the threshold of that name.
    result[i] = Math.min(THRESHOLDS, Math.floor(strength * (THRESHOLDS + 1) + 1e-5));
  }
  return result;
}
