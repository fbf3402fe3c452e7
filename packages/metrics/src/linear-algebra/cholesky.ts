import { doubleGraph, gemm } from './double-graph.ts';
import { block, rowsOf, zeros, type Matrix } from './matrix.ts';

/** Columns that are factored together. */
const BLOCK = 32;

/** Pivots chosen before the rest of a singular matrix is updated. */
const PIVOTS = 128;

/** Pivots below this share of the largest diagonal entry are rounding errors: LAPACK's dpstrf uses the same. */
const tolerance = (a: Matrix): number => {
  let largest = 0;
  for (let i = 0; i < a.rows; i++) largest = Math.max(largest, a.data[i * a.columns + i]!);
  return a.rows * (Number.EPSILON / 2) * largest;
};

const subtractRowProducts = doubleGraph(['c', 'l', 'r'], ['y'], [gemm('y', 'l', 'r', { transB: 1, minusFrom: 'c' })]);
const subtractColumnProducts = doubleGraph(['c', 'f'], ['y'], [gemm('y', 'f', 'f', { transA: 1, minusFrom: 'c' })]);

/** The lower triangular L with L L' = a, symmetric [d, d]; null when a pivot is no larger than rounding errors. Left-looking, by blocks of columns. */
export async function cholesky(a: Matrix): Promise<Matrix | null> {
  const d = a.rows;
  const l = zeros(d, d);
  const least = tolerance(a);
  for (let k = 0; k < d; k += BLOCK) {
    const width = Math.min(BLOCK, d - k);
    const { y } = await subtractRowProducts({ c: block(a, k, k, d - k, width), l: rowsOf(l, k, d), r: rowsOf(l, k, k + width) });
    const x = y.data;
    for (let i = 0; i < d - k; i++) {
      for (let j = 0; j < Math.min(i + 1, width); j++) {
        let sum = x[i * width + j]!;
        for (let p = 0; p < j; p++) sum -= x[i * width + p]! * x[j * width + p]!;
        if (i > j) x[i * width + j] = sum / x[j * width + j]!;
        else if (sum > least) x[i * width + j] = Math.sqrt(sum);
        else return null;
      }
      l.data.set(x.subarray(i * width, i * width + Math.min(i + 1, width)), (k + i) * d + k);
    }
  }
  return l;
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
 * Source: Higham, "Accuracy and stability of numerical algorithms", 10.3; LAPACK's dpstrf.
 */
export async function pivotedCholesky(a: Matrix): Promise<RankFactor> {
  const d = a.rows;
  const least = tolerance(a);
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
      return { factor: { data: concatenate(rows, d), rows: rows.length, columns: d }, dropped: remaining.reduce((sum, i) => sum + Math.max(0, diagonal[i]!), 0) };
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
