import { MetricsError } from '../errors.ts';
import { checkPair, toMatrix, type Features } from '../features/feature-vectors.ts';
import { doubleGraph, gemm } from '../linear-algebra/double-graph.ts';
import { rowsOf, type Matrix } from '../linear-algebra/matrix.ts';

/** Rows of either set that meet in one call: 8 MB of distances. */
const BLOCK = 1024;

/** Squared distances from products are off by rounding errors of this share of the squared lengths; closer calls are made exactly. */
const DOUBT = 1e-12;

const products = doubleGraph(['x', 'y'], ['g'], [gemm('g', 'x', 'y', { transB: 1 })]);

/** A set of points, and each one's squared distance to its k-th nearest other point. */
interface Neighbourhoods {
  points: Matrix;
  /** Squared lengths. */
  squares: Float64Array;
  radii: Float64Array;
}

function squaredDistance(a: Matrix, i: number, b: Matrix, j: number): number {
  let sum = 0;
  for (let c = 0, p = i * a.columns, q = j * b.columns; c < a.columns; c++, p++, q++) sum += (a.data[p]! - b.data[q]!) ** 2;
  return sum;
}

const squaresOf = ({ data, rows, columns }: Matrix): Float64Array =>
  Float64Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns).reduce((sum, x) => sum + x * x, 0));

/** Calls f with every pair's squared distance, off by rounding errors. */
async function forPairs(
  a: Matrix,
  squaresA: Float64Array,
  b: Matrix,
  squaresB: Float64Array,
  f: (i: number, j: number, squared: number) => void,
): Promise<void> {
  for (let p = 0; p < a.rows; p += BLOCK) {
    const x = rowsOf(a, p, Math.min(p + BLOCK, a.rows));
    for (let q = 0; q < b.rows; q += BLOCK) {
      const y = rowsOf(b, q, Math.min(q + BLOCK, b.rows));
      const { g } = await products({ x, y });
      for (let i = 0; i < x.rows; i++) {
        const own = squaresA[p + i]!;
        for (let j = 0; j < y.rows; j++) f(p + i, q + j, own + squaresB[q + j]! - 2 * g.data[i * y.rows + j]!);
      }
    }
  }
}

async function neighbourhoodsOf(features: Features, k: number): Promise<Neighbourhoods> {
  const points = toMatrix(features);
  const squares = squaresOf(points);
  const n = points.rows;
  // The k nearest so far of each point, nearest first.
  const nearest = new Float64Array(n * k).fill(Infinity);
  const which = new Uint32Array(n * k);
  await forPairs(points, squares, points, squares, (i, j, squared) => {
    let at = i * k + k - 1;
    if (i === j || squared >= nearest[at]!) return;
    for (; at > i * k && nearest[at - 1]! > squared; at--) {
      nearest[at] = nearest[at - 1]!;
      which[at] = which[at - 1]!;
    }
    nearest[at] = squared;
    which[at] = j;
  });
  return { points, squares, radii: Float64Array.from({ length: n }, (_, i) => squaredDistance(points, i, points, which[i * k + k - 1]!)) };
}

/** What the neighbourhoods of two sets, real and generated, have in common. */
interface Overlap {
  /** Of each generated point, how many real neighbourhoods it lies in, and whether it lies in or on one. */
  realAround: Uint32Array;
  inReal: Uint8Array;
  /** Of each real point: whether it lies in or on a generated neighbourhood, and whether its own holds a generated point. */
  inGenerated: Uint8Array;
  covered: Uint8Array;
}

async function overlapOf(what: string, real: Features, generated: Features, k: number): Promise<Overlap> {
  if (!Number.isInteger(k) || k < 1)
    throw new MetricsError('invalid-option', `Error in ${what}: expected k to be a whole number of at least 1, got ${k}`, { k });
  const { n, m } = checkPair(what, real, generated, k + 1);
  const r = await neighbourhoodsOf(real, k);
  const g = await neighbourhoodsOf(generated, k);
  const overlap: Overlap = {
    realAround: new Uint32Array(m),
    inReal: new Uint8Array(m),
    inGenerated: new Uint8Array(n),
    covered: new Uint8Array(n),
  };
  await forPairs(r.points, r.squares, g.points, g.squares, (i, j, rough) => {
    const doubt = DOUBT * (r.squares[i]! + g.squares[j]!);
    const ofReal = r.radii[i]!;
    const ofGenerated = g.radii[j]!;
    // Points of both sets often coincide, or lie on a radius: <= and < must then be told apart.
    const close = Math.abs(rough - ofReal) <= doubt || Math.abs(rough - ofGenerated) <= doubt;
    const squared = close ? squaredDistance(r.points, i, g.points, j) : rough;
    if (squared < ofReal) {
      overlap.realAround[j]!++;
      overlap.covered[i] = 1;
    }
    if (squared <= ofReal) overlap.inReal[j] = 1;
    if (squared <= ofGenerated) overlap.inGenerated[i] = 1;
  });
  return overlap;
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
  const { inReal, inGenerated } = await overlapOf('precisionRecall', real, generated, k);
  return { precision: mean(inReal), recall: mean(inGenerated), n: inGenerated.length, m: inReal.length };
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
  const { realAround, covered } = await overlapOf('densityCoverage', real, generated, k);
  return { density: mean(realAround) / k, coverage: mean(covered), n: covered.length, m: realAround.length };
}
