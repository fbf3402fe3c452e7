import { doubleGraph, gemm } from './double-graph.ts';
import { block, rowsOf, zeros, type Matrix } from './matrix.ts';
import { solveRows, WIDTH } from './triangular-solve.ts';

/** Columns that are factored together: wide blocks of narrow ones, so that nearly all arithmetic is in large products. */
const BLOCKS = [256, WIDTH];

/** Pivots chosen before the rest of a singular matrix is updated. */
const PIVOTS = 128;

/** Rows of a product of triangular factors that are computed together. */
const PRODUCT_ROWS = 512;

/** Pivots below this share of the largest diagonal entry are rounding errors: LAPACK's dpstrf uses the same. */
const tolerance = (a: Matrix, precision: number = Number.EPSILON): number => {
  let largest = 0;
  for (let i = 0; i < a.rows; i++) largest = Math.max(largest, a.data[i * a.columns + i]!);
  return a.rows * (precision / 2) * largest;
};

const subtractRowProducts = doubleGraph(['c', 'l', 'r'], ['y'], [gemm('y', 'l', 'r', { transB: 1, minusFrom: 'c' })]);
const transposedProduct = doubleGraph(['a', 'b'], ['y'], [gemm('y', 'a', 'b', { transA: 1 })]);
const subtractColumnProducts = doubleGraph(['c', 'f'], ['y'], [gemm('y', 'f', 'f', { transA: 1, minusFrom: 'c' })]);

/** The lower triangular L with L L' = a, symmetric [d, d]; null when a pivot is no larger than rounding errors. */
export async function cholesky(a: Matrix): Promise<Matrix | null> {
  const d = a.rows;
  const l = zeros(d, d);
  for (let i = 0; i < d; i++) l.data.set(a.data.subarray(i * d, i * d + i + 1), i * d);
  return (await factorColumns(l, tolerance(a), BLOCKS)) ? l : null;
}

/**
 * Replaces the first w columns of a symmetric matrix, [d, w], by L's. What is above the diagonal is not read, and stays.
 * Left-looking, by blocks of columns and blocks within them. False when a pivot is too small.
 */
async function factorColumns(a: Matrix, least: number, [step, ...smaller]: readonly number[]): Promise<boolean> {
  if (step === undefined) return factorDirectly(a, least);
  const { rows, columns } = a;
  const [before, after] = [0, 1].map(() => new Float64Array(rows * Math.min(step, columns))) as [Float64Array, Float64Array];
  // The columns done so far, from row k on: (rows - k) k entries.
  const left = new Float64Array(columns < rows / 2 ? rows * columns : Math.floor((rows * rows) / 4));
  for (let k = 0; k < columns; k += step) {
    const width = Math.min(step, columns - k);
    let rest = block(a, k, k, rows - k, width, before);
    if (k > 0) {
      const l = block(a, k, 0, rows - k, k, left);
      const y: Matrix = { data: after.subarray(0, rest.data.length), rows: rest.rows, columns: width };
      await subtractRowProducts({ c: rest, l, r: rowsOf(l, 0, width) }, { y });
      rest = y;
    }
    if (!(await factorColumns(rest, least, smaller))) return false;
    for (let i = 0; i < rest.rows; i++) {
      const to = (k + i) * columns + k;
      for (let j = 0; j < Math.min(i + 1, width); j++) a.data[to + j] = rest.data[i * width + j]!;
    }
  }
  return true;
}

function factorDirectly({ data, rows, columns }: Matrix, least: number): boolean {
  // The triangle at the top, transposed: what a row's finished entries take from those to their right lies side by side.
  const upper = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    for (let p = 0; p < i; p++) {
      const value = row[p]! / upper[p * columns + p]!;
      row[p] = value;
      upper[p * columns + i] = value;
      for (let j = p + 1; j <= i; j++) row[j]! -= value * upper[p * columns + j]!;
    }
    if (!(row[i]! > least)) return false;
    row[i] = Math.sqrt(row[i]!);
    upper[i * columns + i] = row[i]!;
  }
  solveRows(data.subarray(columns * columns, rows * columns), columns, upper);
  return true;
}

/** The x of L L' x = b, for a lower triangular L. */
export function solveFactored({ data: l, rows: n }: Matrix, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) x[i]! -= l[i * n + j]! * x[j]!;
    x[i]! /= l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i]! -= l[j * n + i]! * x[j]!;
    x[i]! /= l[i * n + i]!;
  }
  return x;
}

/** L1' L2 of lower triangular matrices [d, d], without the products of zeros. */
export async function lowerProduct(l1: Matrix, l2: Matrix): Promise<Matrix> {
  const d = l1.rows;
  const out = zeros(d, d);
  const memory = new Float64Array(d * Math.min(PRODUCT_ROWS, d));
  for (let i = 0; i < d; i += PRODUCT_ROWS) {
    const width = Math.min(PRODUCT_ROWS, d - i);
    await transposedProduct({ a: block(l1, i, i, d - i, width, memory), b: rowsOf(l2, i, d) }, { y: rowsOf(out, i, i + width) });
  }
  return out;
}

/** A factor of a singular matrix. */
export interface RankFactor {
  /** F: [rank, d] with F' F = a up to what was dropped. */
  factor: Matrix;
  /** Trace of a - F' F, which is positive semidefinite. */
  dropped: number;
}

/**
 * Cholesky factorisation with complete pivoting of a positive semidefinite matrix [d, d], stopped where the largest pivot left
 * is no larger than rounding errors.
 * @param precision relative error of the matrix's entries
 * Source: Higham, "Accuracy and stability of numerical algorithms", 10.3; LAPACK's dpstrf.
 */
export async function pivotedCholesky(a: Matrix, precision: number = Number.EPSILON): Promise<RankFactor> {
  const d = a.rows;
  const least = tolerance(a, precision);
  const rows: Float64Array[] = [];
  // What is left after the pivots so far: its rows and columns belong to the entries `left` of a.
  let rest = a;
  let left = Uint32Array.from({ length: d }, (_, i) => i);
  for (;;) {
    const m = left.length;
    const diagonal = Float64Array.from({ length: m }, (_, i) => rest.data[i * m + i]!);
    const taken = new Uint8Array(m);
    const panel: Float64Array[] = [];
    while (panel.length < PIVOTS) {
      let pivot = -1;
      for (let i = 0; i < m; i++) if (taken[i] === 0 && diagonal[i]! > (pivot < 0 ? least : diagonal[pivot]!)) pivot = i;
      if (pivot < 0) break;
      const row = rest.data.slice(pivot * m, (pivot + 1) * m);
      for (const before of panel) {
        const x = before[pivot]!;
        for (let i = 0; i < m; i++) row[i]! -= x * before[i]!;
      }
      const root = Math.sqrt(row[pivot]!);
      if (!(row[pivot]! > least)) break;
      for (let i = 0; i < m; i++) {
        row[i] = taken[i] === 1 ? 0 : row[i]! / root;
        diagonal[i]! -= row[i]! * row[i]!;
      }
      taken[pivot] = 1;
      panel.push(row);
    }
    for (const row of panel) {
      const whole = new Float64Array(d);
      for (let i = 0; i < m; i++) whole[left[i]!] = row[i]!;
      rows.push(whole);
    }
    const remaining = Uint32Array.from({ length: m }, (_, i) => i).filter((i) => taken[i] === 0);
    if (panel.length < PIVOTS || remaining.length === 0) {
      return {
        factor: { data: concatenate(rows, d), rows: rows.length, columns: d },
        dropped: remaining.reduce((sum, i) => sum + Math.max(0, diagonal[i]!), 0),
      };
    }
    const f = pick({ data: concatenate(panel, m), rows: panel.length, columns: m }, null, remaining);
    rest = (await subtractColumnProducts({ c: pick(rest, remaining, remaining), f })).y;
    left = remaining.map((i) => left[i]!);
  }
}

function concatenate(rows: readonly Float64Array[], length: number): Float64Array {
  const out = new Float64Array(rows.length * length);
  rows.forEach((row, i) => out.set(row, i * length));
  return out;
}

/** Some rows (null: all) and columns of a matrix. */
function pick(a: Matrix, rows: Uint32Array | null, columns: Uint32Array): Matrix {
  const out = zeros(rows?.length ?? a.rows, columns.length);
  for (let i = 0; i < out.rows; i++) {
    const from = (rows === null ? i : rows[i]!) * a.columns;
    const to = i * out.columns;
    for (let j = 0; j < columns.length; j++) out.data[to + j] = a.data[from + columns[j]!]!;
  }
  return out;
}
