import { MetricsError } from '../errors.ts';
import { checkPair, toMatrix, type Features } from '../features/feature-vectors.ts';
import type { Matrix } from '../linear-algebra/matrix.ts';
import { doubtOf, forPairs, squaredDistance, squaresOf } from '../linear-algebra/pair-distances.ts';

/** A set of points, and each one's squared distances to its nearest other points. */
interface Neighbourhoods {
  points: Matrix;
  /** Squared lengths. */
  squares: Float64Array;
  /** Nearest first, [N, k]; exact. */
  nearest: Float64Array;
  k: number;
}

/** Each point's squared distance to its k-th nearest other point. */
const radiiOf = ({ nearest, k: most, squares }: Neighbourhoods, k: number): Float64Array =>
  squares.map((_, i) => nearest[i * most + k - 1]!);

async function neighbourhoodsOf(features: Features, k: number): Promise<Neighbourhoods> {
  const points = toMatrix(features);
  const squares = squaresOf(points);
  const nearest = new Float64Array(points.rows * k).fill(Infinity);
  await forPairs(points, squares, points, squares, (i, j, rough) => {
    let at = i * k + k - 1;
    // What may be among the k nearest is measured exactly: rounding must not decide which one is the last of them.
    if (i === j || rough - doubtOf(squares[i]!, squares[j]!) > nearest[at]!) return;
    const squared = squaredDistance(points, i, points, j);
    if (squared >= nearest[at]!) return;
    for (; at > i * k && nearest[at - 1]! > squared; at--) nearest[at] = nearest[at - 1]!;
    nearest[at] = squared;
  });
  return { points, squares, nearest, k };
}

/** Neighbours that count: of each point the k-th nearest, for either pair of metrics. */
export interface NeighbourCounts {
  precisionRecall: number;
  densityCoverage: number;
}

/**
 * Precision and recall, density and coverage together: neighbours are searched once, and all pairs of the two sets are passed once. Exact:
 * all pairs, ties decided on exact distances.
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below the larger k + 1 rows; invalid-option for a k
 */
export async function neighbourhoodOverlap(
  real: Features,
  generated: Features,
  ks: NeighbourCounts = { precisionRecall: 3, densityCoverage: 5 },
): Promise<PrecisionRecall & DensityCoverage> {
  const what = 'neighbourhoodOverlap';
  for (const k of Object.values(ks) as number[])
    if (!Number.isInteger(k) || k < 1)
      throw new MetricsError('invalid-option', `Error in ${what}: expected k to be a whole number of at least 1, got ${k}`, { k });
  const most = Math.max(ks.precisionRecall, ks.densityCoverage);
  const { n, m } = checkPair(what, real, generated, most + 1);
  const r = await neighbourhoodsOf(real, most);
  const g = await neighbourhoodsOf(generated, most);
  const [ofReal, ofGenerated, ofDensity] = [radiiOf(r, ks.precisionRecall), radiiOf(g, ks.precisionRecall), radiiOf(r, ks.densityCoverage)];
  // Of each generated point, in how many real neighbourhoods it lies, and whether in or on one; of each real point whether.
  const around = new Uint32Array(m);
  const inReal = new Uint8Array(m);
  const inGenerated = new Uint8Array(n);
  const covered = new Uint8Array(n);
  await forPairs(r.points, r.squares, g.points, g.squares, (i, j, rough) => {
    const doubt = doubtOf(r.squares[i]!, g.squares[j]!);
    // Points of both sets often coincide, or lie on a radius: <= and < must then be told apart.
    const close =
      Math.abs(rough - ofReal[i]!) <= doubt || Math.abs(rough - ofDensity[i]!) <= doubt || Math.abs(rough - ofGenerated[j]!) <= doubt;
    const squared = close ? squaredDistance(r.points, i, g.points, j) : rough;
    if (squared < ofDensity[i]!) {
      around[j]!++;
      covered[i] = 1;
    }
    if (squared <= ofReal[i]!) inReal[j] = 1;
    if (squared <= ofGenerated[j]!) inGenerated[i] = 1;
  });
  return {
    precision: mean(inReal),
    recall: mean(inGenerated),
    density: mean(around) / ks.densityCoverage,
    coverage: mean(covered),
    n,
    m,
  };
}

const mean = (values: Uint8Array | Uint32Array): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

export interface PrecisionRecall {
  /** Share of generated points within (<=) the distance of some real point to its k-th nearest real point. */
  precision: number;
  /** The same with the roles exchanged. */
  recall: number;
  n: number;
  m: number;
}

/**
 * Improved precision and recall. Exact: all pairs, ties decided on exact distances.
 * Source: Kynkaanniemi et al. (NeurIPS 2019), eqs. 1-2, k = 3; agrees with torch-fidelity's.
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below k + 1 rows; invalid-option for k
 */
export async function precisionRecall(real: Features, generated: Features, k = 3): Promise<PrecisionRecall> {
  const { precision, recall, n, m } = await neighbourhoodOverlap(real, generated, { precisionRecall: k, densityCoverage: k });
  return { precision, recall, n, m };
}

export interface DensityCoverage {
  /** Mean over generated points of the number of real neighbourhoods they lie within (<), over k; may exceed 1. */
  density: number;
  /** Share of real points whose neighbourhood holds (<) a generated point. */
  coverage: number;
  n: number;
  m: number;
}

/**
 * Density and coverage, which outliers among the real points do not inflate.
 * Source: Naeem et al., "Reliable fidelity and diversity metrics" (ICML 2020), eqs. 3-4, k = 5; their package prdc.
 * @throws MetricsError as {@link precisionRecall}
 */
export async function densityCoverage(real: Features, generated: Features, k = 5): Promise<DensityCoverage> {
  const { density, coverage, n, m } = await neighbourhoodOverlap(real, generated, { precisionRecall: k, densityCoverage: k });
  return { density, coverage, n, m };
}
