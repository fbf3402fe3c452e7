import { MetricsError } from '../errors.ts';
import { checkFeatures, type Features } from '../features/feature-vectors.ts';
import { cholesky, lowerProduct, pivotedCholesky, type RankFactor } from '../linear-algebra/cholesky.ts';
import { doubleGraph, gemm } from '../linear-algebra/double-graph.ts';
import type { Matrix } from '../linear-algebra/matrix.ts';
import { nuclearNorm } from '../linear-algebra/nuclear-norm.ts';
import { columnMeans, gatherStatistics, isStatistics, type FeatureStatistics } from './feature-statistics.ts';
import { checkSameProvenance, NOT_NAMED } from './provenance.ts';

/**
 * How a covariance S was factored as F' F:
 * - `features`: the centred features themselves, when there are no more of them than dimensions. No covariance is formed, nothing is lost.
 * - `cholesky`: S has full rank.
 * - `pivoted-cholesky`: S is singular and there are only statistics; directions below rounding errors are dropped.
 */
export type FactorMethod = 'features' | 'cholesky' | 'pivoted-cholesky';

/** One side of a comparison. */
export interface FrechetSide {
  /** null where statistics do not say. */
  n: number | null;
  method: FactorMethod;
  /** Rank of the factor: at most min(n - 1, D); with pivoted-cholesky the numerical rank. */
  rank: number;
  trace: number;
  /** Trace of the covariance that its factor lacks; zero but for pivoted-cholesky. */
  residual: number;
}

export interface FrechetDistance {
  /** |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2). Rounding below zero is taken as zero. */
  value: number;
  dimension: number;
  meanTerm: number;
  /** tr (S1 S2)^(1/2) */
  traceRoot: number;
  first: FrechetSide;
  second: FrechetSide;
  /**
   * By how much the residuals may have raised the value at most: 2 (sqrt(residual1 tr S2) + sqrt(residual2 tr S1)). Usually far too large.
   */
  errorBound: number;
}

/** A set reduced to what the distance needs. */
export interface Gaussian {
  mean: Float64Array;
  /** scale F' F is the covariance; F: [rank, D], or its transpose, which is lower triangular then. */
  factor: { matrix: Matrix; transposed: boolean; scale: number };
  side: FrechetSide;
}

/**
 * The Frechet distance of the Gaussians with the sets' means and covariances (Heusel et al. 2017, eq. 6, there of Inception
 * features: FID). tr (S1 S2)^(1/2) is the nuclear norm of F1 F2' with any factors F' F = S: no matrix square root, no eps added to
 * a diagonal, and a set's distance to itself is zero to rounding whatever its rank.
 * Each set comes as features [N, D], or as statistics; of sets with N <= D give the features where you have them.
 * @throws MetricsError provenance-mismatch when both are statistics made in different ways; invalid-shape when the dimensions
 *   differ; not-finite naming the row; too-few-samples below 2 rows; invalid-statistics for a matrix that is no covariance
 */
export async function frechetDistance(a: Features | FeatureStatistics, b: Features | FeatureStatistics): Promise<FrechetDistance> {
  if (isStatistics(a) && isStatistics(b)) checkSameProvenance('frechetDistance', a.provenance, b.provenance);
  const first = await gaussianOf('frechetDistance, first set', a);
  return gaussianDistance(first, a === b ? first : await gaussianOf('frechetDistance, second set', b));
}

/** A set's mean and factored covariance. @throws MetricsError invalid-shape, not-finite, too-few-samples */
export async function gaussianOf(what: string, set: Features | FeatureStatistics): Promise<Gaussian> {
  if (isStatistics(set)) return factorStatistics(what, set);
  const { n, d } = checkFeatures(what, set);
  if (n < 2) throw new MetricsError('too-few-samples', `Error in ${what}: a covariance needs at least 2 rows of features, got ${n}`, { n });
  if (n <= d) return centredFeatures(set, n, d);
  return factorStatistics(what, await gatherStatistics(set, NOT_NAMED));
}

function centredFeatures({ data }: Features, n: number, d: number): Gaussian {
  const mean = columnMeans(data, n, d);
  const centred = new Float64Array(n * d);
  let squares = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const x = data[i * d + j]! - mean[j]!;
      centred[i * d + j] = x;
      squares += x * x;
    }
  }
  return {
    mean,
    factor: { matrix: { data: centred, rows: n, columns: d }, transposed: false, scale: 1 / (n - 1) },
    side: { n, method: 'features', rank: n - 1, trace: squares / (n - 1), residual: 0 },
  };
}

async function factorStatistics(what: string, { n, mean, comoment }: FeatureStatistics): Promise<Gaussian> {
  if (n !== null && n < 2)
    throw new MetricsError('too-few-samples', `Error in ${what}: a covariance needs at least 2 rows of features, got ${n}`, { n });
  const d = mean.length;
  const scale = n === null ? 1 : 1 / (n - 1);
  let sum = 0;
  for (let i = 0; i < d; i++) sum += comoment.data[i * d + i]!;
  const trace = scale * sum;
  const lower = n === null || n > d ? await cholesky(comoment) : null;
  if (lower !== null)
    return { mean, factor: { matrix: lower, transposed: true, scale }, side: { n, method: 'cholesky', rank: d, trace, residual: 0 } };
  const { factor, dropped } = await rankFactor(what, comoment, sum);
  return {
    mean,
    factor: { matrix: factor, transposed: false, scale },
    side: { n, method: 'pivoted-cholesky', rank: factor.rows, trace, residual: scale * dropped },
  };
}

/** Relative errors of a covariance that was computed in float64, and of one that was stored in float32. */
const PRECISIONS = [2 ** -52, 2 ** -23];
/** By how much, of its trace, a factor may miss its matrix. */
const MISSED = 1e-5;

/**
 * Pivoted Cholesky, which holds rounding errors for directions where they are larger than it expects: the factor then has another trace
 * than the matrix.
 * @throws MetricsError invalid-statistics for a matrix that is no covariance, at either precision
 */
async function rankFactor(what: string, matrix: Matrix, trace: number): Promise<RankFactor> {
  for (const precision of PRECISIONS) {
    const found = await pivotedCholesky(matrix, precision);
    const squares = found.factor.data.reduce((sum, x) => sum + x * x, 0);
    if (Math.abs(squares + found.dropped - trace) <= MISSED * trace) return found;
  }
  throw new MetricsError('invalid-statistics', `Error in ${what}: the covariance has negative eigenvalues: it is none, or is damaged`);
}

const product = (transA: 0 | 1, transB: 0 | 1) => doubleGraph(['a', 'b'], ['y'], [gemm('y', 'a', 'b', { transA, transB })]);
const PRODUCTS = { neither: product(0, 1), first: product(1, 1), second: product(0, 0) };

/** F1 F2'. */
async function crossProduct({ factor: a }: Gaussian, { factor: b }: Gaussian): Promise<Matrix> {
  if (a.transposed && b.transposed) return lowerProduct(a.matrix, b.matrix);
  return (await PRODUCTS[a.transposed ? 'first' : b.transposed ? 'second' : 'neither']({ a: a.matrix, b: b.matrix })).y;
}

/** The distance of two factored sets. @throws MetricsError invalid-shape when the dimensions differ */
export async function gaussianDistance(a: Gaussian, b: Gaussian): Promise<FrechetDistance> {
  const dimension = a.mean.length;
  if (b.mean.length !== dimension)
    throw new MetricsError('invalid-shape', `Error in frechetDistance: the sets have dimension ${dimension} and ${b.mean.length}`, {
      first: dimension,
      second: b.mean.length,
    });
  const meanTerm = a.mean.reduce((sum, x, i) => sum + (x - b.mean[i]!) ** 2, 0);
  const empty = a.side.rank === 0 || b.side.rank === 0;
  const traceRoot = empty ? 0 : Math.sqrt(a.factor.scale * b.factor.scale) * (await nuclearNorm(await crossProduct(a, b)));
  return distanceOf(meanTerm, traceRoot, dimension, a.side, b.side);
}

/** The distance from its terms. */
export const distanceOf = (
  meanTerm: number,
  traceRoot: number,
  dimension: number,
  first: FrechetSide,
  second: FrechetSide,
): FrechetDistance => ({
  value: Math.max(0, meanTerm + first.trace + second.trace - 2 * traceRoot),
  dimension,
  meanTerm,
  traceRoot,
  first,
  second,
  errorBound: 2 * (Math.sqrt(first.residual * second.trace) + Math.sqrt(second.residual * first.trace)),
});
