import { checkFeatures, toMatrix, type Features } from '../features/feature-vectors.ts';
import type { Matrix } from '../linear-algebra/matrix.ts';
import { nuclearNorm } from '../linear-algebra/nuclear-norm.ts';
import { rowProducts } from '../linear-algebra/pair-distances.ts';
import { columnMeans } from './feature-statistics.ts';
import { distanceOf, type FrechetDistance, type FrechetSide } from './frechet-distance.ts';

/** The products of every image of one set with every image of another, from which the distances of all their parts follow. */
export interface PairProducts {
  /** The Frechet distance of some rows of either set. */
  distance(a: Uint32Array, b: Uint32Array): Promise<FrechetDistance>;
}

/**
 * Products of the rows of [N, D] and [M, D]. With F = C X, the rows less their mean, tr (S1 S2)^(1/2) is the nuclear norm of C X Y' C:
 * X Y' is computed once, for all parts of the sets. Rows are taken from a centre between both means, so that nothing large cancels.
 */
export async function pairProducts(a: Features, b: Features): Promise<PairProducts> {
  const [n, m] = [checkFeatures('pairProducts', a).n, checkFeatures('pairProducts', b).n];
  const d = a.shape[1]!;
  const [meanA, meanB] = [columnMeans(a.data, n, d), columnMeans(b.data, m, d)];
  const centre = meanA.map((x, j) => (x + meanB[j]!) / 2);
  const [first, second] = [centred(a, centre), centred(b, centre)];
  const { g: y } = await rowProducts({ x: first, y: second });
  return {
    async distance(p, q) {
      const [one, two] = [partOf(first, p), partOf(second, q)];
      const traceRoot = Math.sqrt(one.scale * two.scale) * (await nuclearNorm(doubleCentred(y, p, q)));
      const meanTerm = one.mean.reduce((sum, x, j) => sum + (x - two.mean[j]!) ** 2, 0);
      return distanceOf(meanTerm, traceRoot, d, one.side, two.side);
    },
  };
}

function centred(features: Features, centre: Float64Array): Matrix {
  const matrix = toMatrix(features);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i]! -= centre[i % matrix.columns]!;
  return matrix;
}

/** Mean, and the covariance's trace, of some rows. */
function partOf({ data, columns: d }: Matrix, part: Uint32Array): { mean: Float64Array; scale: number; side: FrechetSide } {
  const mean = new Float64Array(d);
  for (const i of part) for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]!;
  for (let j = 0; j < d; j++) mean[j]! /= part.length;
  let squares = 0;
  for (const i of part) for (let j = 0; j < d; j++) squares += (data[i * d + j]! - mean[j]!) ** 2;
  const scale = 1 / (part.length - 1);
  return { mean, scale, side: { n: part.length, method: 'features', rank: part.length - 1, trace: scale * squares, residual: 0 } };
}

/** Some rows and columns of the products, each less its mean. */
function doubleCentred({ data, columns }: Matrix, p: Uint32Array, q: Uint32Array): Matrix {
  const width = q.length;
  const out = new Float64Array(p.length * width);
  const ofColumns = new Float64Array(width);
  for (let i = 0; i < p.length; i++) {
    const from = p[i]! * columns;
    const to = i * width;
    let sum = 0;
    for (let j = 0; j < width; j++) sum += out[to + j] = data[from + q[j]!]!;
    const mean = sum / width;
    for (let j = 0; j < width; j++) ofColumns[j]! += out[to + j]! -= mean;
  }
  for (let j = 0; j < width; j++) ofColumns[j]! /= p.length;
  for (let i = 0; i < p.length; i++) for (let j = 0; j < width; j++) out[i * width + j]! -= ofColumns[j]!;
  return { data: out, rows: p.length, columns: width };
}
