import { doubleGraph, gemm } from './double-graph.ts';
import { zeros, type Matrix } from './matrix.ts';
import { Reflector, STEP } from './reflector.ts';

/** The product of B reflections as I - V' T V, with V's rows the reflections' vectors (compact WY form). */
export interface BlockReflection {
  /** [B, m] */
  v: Matrix;
  /** [B, B], upper triangular. */
  t: Matrix;
}

const gram = doubleGraph(['v'], ['y'], [gemm('y', 'v', 'v', { transB: 1 })]);

/**
 * Householder factorisation of a thin matrix given by its columns: `columns`: [B, m], each row a column, of which the entries from
 * `start` on count; m is a multiple of STEP. Gives R: [B, B] upper triangular, and V and T such that I - V' T' V turns the thin
 * matrix into R at the rows start..start + B - 1 and zero below. V lies in the reflector's memory, until its next use.
 * Source: Schreiber & Van Loan, "A storage-efficient WY representation for products of Householder transformations" (1989).
 */
export async function factorColumns(reflector: Reflector, columns: Matrix, start: number): Promise<BlockReflection & { r: Matrix }> {
  const { rows: b, columns: m } = columns;
  const x = reflector.memory;
  x.set(columns.data);
  const r = zeros(b, b);
  const taus = new Float64Array(b);
  for (let j = 0; j < b; j++) {
    const row = j * m;
    for (let k = 0; k < j; k++) r.data[k * b + j] = x[row + start + k]!;
    x.fill(0, row, row + start + j);
    const { tau, beta } = reflector.makeVector(row + start + j, m - start - j);
    taus[j] = tau;
    r.data[j * b + j] = beta;
    if (tau === 0) continue;
    const from = Math.floor((start + j) / STEP) * STEP; // v is zero up to its head
    reflector.fromRight({ at: row + m + from, stride: m, rows: b - j - 1, columns: m - from }, row + from, tau);
  }
  const v: Matrix = { data: x.subarray(0, b * m), rows: b, columns: m };
  return { v, t: compactFactor((await gram({ v })).y, taus), r };
}

/** T, column by column: -tau_j T (V v_j) above tau_j. `products`: V V'. */
function compactFactor(products: Matrix, taus: Float64Array): Matrix {
  const b = taus.length;
  const t = zeros(b, b);
  for (let j = 0; j < b; j++) {
    for (let k = 0; k < j; k++) {
      let sum = 0;
      for (let i = k; i < j; i++) sum += t.data[k * b + i]! * products.data[i * b + j]!;
      t.data[k * b + j] = -taus[j]! * sum;
    }
    t.data[j * b + j] = taus[j]!;
  }
  return t;
}
