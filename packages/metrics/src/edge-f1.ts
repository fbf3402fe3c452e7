import { MetricsError } from './errors.ts';

export interface EdgeAgreement {
  /** Share of predicted edge pixels with a target edge near. */
  precision: number;
  /** Share of target edge pixels with a predicted edge near. */
  recall: number;
  /** Harmonic mean of the two. */
  f1: number;
}

/**
 * How well the edges of a generated image follow the edge map it was conditioned on.
 * `predicted`, `target`: [H, W] row major, edge where non-zero. With tolerance 1 a pixel matches when any pixel of the other
 * map's 3x3 neighbourhood is an edge (one pixel off is invisible, and canny itself moves by one); with 0 only the same pixel.
 * Two empty maps agree (1); one empty map scores 0. Throws MetricsError when the sizes differ.
 */
export function edgeF1(predicted: ArrayLike<number>, target: ArrayLike<number>, width: number, height: number, { tolerance }: { tolerance: 0 | 1 }): EdgeAgreement {
  if (predicted.length !== width * height || target.length !== width * height) {
    throw new MetricsError('invalid-shape', `Error in edgeF1: expected two maps of ${height}x${width} = ${width * height} pixels, got ${predicted.length} and ${target.length}`,
      { width, height, predicted: predicted.length, target: target.length });
  }
  const precision = matched(predicted, target, width, height, tolerance);
  const recall = matched(target, predicted, width, height, tolerance);
  if (precision === null && recall === null) return { precision: 1, recall: 1, f1: 1 };
  if (precision === null || recall === null || precision + recall === 0) return { precision: precision ?? 0, recall: recall ?? 0, f1: 0 };
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}

/** Share of `of`'s edge pixels that have an edge of `near` within the tolerance; null when `of` has none. */
function matched(of: ArrayLike<number>, near: ArrayLike<number>, width: number, height: number, tolerance: number): number | null {
  let edges = 0;
  let hits = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!of[y * width + x]) continue;
      edges++;
      search: for (let v = Math.max(0, y - tolerance); v <= Math.min(height - 1, y + tolerance); v++) {
        for (let u = Math.max(0, x - tolerance); u <= Math.min(width - 1, x + tolerance); u++) {
          if (near[v * width + u]) {
            hits++;
            break search;
          }
        }
      }
    }
  }
  return edges === 0 ? null : hits / edges;
}
