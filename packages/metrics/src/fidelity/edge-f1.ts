import { MetricsError } from '../errors.ts';
import { checkMaps, type Raster } from './check.ts';
import { dilate } from './dilate.ts';

export interface EdgeAgreement {
  /** Share of predicted edge pixels with a target edge near. */
  precision: number;
  /** Share of target edge pixels with a predicted edge near. */
  recall: number;
  /** Harmonic mean of the two. */
  f1: number;
}

/** How far apart two edge pixels may lie to match, in pixels of either axis; 0: the same pixel. */
export interface EdgeTolerance {
  tolerance: number;
}

/**
 * How well the edges of a generated image follow the edge map it was conditioned on.
 * `predicted`, `target`: [H, W] row major, edge where non-zero. With tolerance 1 a pixel matches when any pixel of the other
 * map's 3x3 neighbourhood is an edge (one pixel off is invisible, and canny itself moves by one); with 0 only the same pixel, as
 * ControlNet++ counts, which sums the counts of four images. Two empty maps agree (1); one empty map scores 0.
 * @throws MetricsError invalid-shape when the sizes differ, invalid-option, not-finite, empty-input
 */
export function edgeF1(
  predicted: ArrayLike<number>,
  target: ArrayLike<number>,
  width: number,
  height: number,
  { tolerance }: EdgeTolerance,
): EdgeAgreement {
  if (predicted.length !== width * height || target.length !== width * height) {
    throw new MetricsError(
      'invalid-shape',
      `Error in edgeF1: expected two maps of ${height}x${width} = ${width * height} pixels, got ${predicted.length} and ${target.length}`,
      { width, height, predicted: predicted.length, target: target.length },
    );
  }
  const maps = [predicted, target].map((data) => ({ data, width, height })) as [Raster, Raster];
  checkMaps('edgeF1', ...maps);
  if (!Number.isSafeInteger(tolerance) || tolerance < 0)
    throw new MetricsError('invalid-option', `Error in edgeF1: expected a tolerance in whole pixels, got ${tolerance}`, { tolerance });
  const counts = { predicted: 0, predictedHits: 0, target: 0, targetHits: 0 };
  const [nearPredicted, nearTarget] = maps.map((map) => dilate(map, tolerance)) as [Float32Array, Float32Array];
  for (let i = 0; i < predicted.length; i++) {
    if (predicted[i]) {
      counts.predicted++;
      if (nearTarget[i]) counts.predictedHits++;
    }
    if (target[i]) {
      counts.target++;
      if (nearPredicted[i]) counts.targetHits++;
    }
  }
  return agreement(counts);
}

/** Edge pixels of both maps, and how many of them have an edge of the other map near. */
interface EdgeCounts {
  predicted: number;
  predictedHits: number;
  target: number;
  targetHits: number;
}

/** Precision, recall and F1 of counts. */
function agreement({ predicted, predictedHits, target, targetHits }: EdgeCounts): EdgeAgreement {
  if (predicted === 0 && target === 0) return { precision: 1, recall: 1, f1: 1 };
  const precision = predicted === 0 ? 0 : predictedHits / predicted;
  const recall = target === 0 ? 0 : targetHits / target;
  return { precision, recall, f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
}
