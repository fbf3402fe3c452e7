import { doubleGraph, gemm } from './double-graph.ts';
import { rowsOf, type Matrix } from './matrix.ts';

/** Rows of either set that meet in one call: 8 MB of distances. */
const BLOCK = 1024;

/** Squared distances from products are off by rounding errors of this share of the squared lengths; closer calls are made exactly. */
const DOUBT = 1e-12;

/** By how much rounding may change the squared distance that {@link forPairs} gives of rows of these squared lengths. */
export const doubtOf = (squaredLength: number, other: number): number => DOUBT * (squaredLength + other);

/** Products of the rows of x and of y. */
export const rowProducts = doubleGraph(['x', 'y'], ['g'], [gemm('g', 'x', 'y', { transB: 1 })]);

/** Rows of so many columns, one behind the other. */
export interface Rows {
  readonly data: Float32Array | Float64Array;
  readonly columns: number;
}

/** Of a row of each, exact. */
export function squaredDistance(a: Rows, i: number, b: Rows, j: number): number {
  let sum = 0;
  for (let c = 0, p = i * a.columns, q = j * b.columns; c < a.columns; c++, p++, q++) sum += (a.data[p]! - b.data[q]!) ** 2;
  return sum;
}

/** Squared lengths of the rows. */
export const squaresOf = ({ data, rows, columns }: Matrix): Float64Array =>
  Float64Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns).reduce((sum, x) => sum + x * x, 0));

/**
 * Calls f with every pair's squared distance, off by rounding errors. A block of pairs is held at a time.
 * @param within of each row of a, the squared distance beyond which f is not told of its pairs: f takes more time than the rest
 */
export async function forPairs(
  a: Matrix,
  squaresA: Float64Array,
  b: Matrix,
  squaresB: Float64Array,
  f: (i: number, j: number, squared: number) => void,
  within?: Float64Array,
): Promise<void> {
  for (let p = 0; p < a.rows; p += BLOCK) {
    const x = rowsOf(a, p, Math.min(p + BLOCK, a.rows));
    for (let q = 0; q < b.rows; q += BLOCK) {
      const y = rowsOf(b, q, Math.min(q + BLOCK, b.rows));
      const { g } = await rowProducts({ x, y });
      for (let i = 0, k = 0; i < x.rows; i++) {
        const own = squaresA[p + i]!;
        const most = within === undefined ? Infinity : within[p + i]!;
        for (let j = q; j < q + y.rows; j++) {
          const squared = own + squaresB[j]! - 2 * g.data[k++]!;
          if (squared <= most) f(p + i, j, squared);
        }
      }
    }
  }
}
