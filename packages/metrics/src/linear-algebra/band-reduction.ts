import { doubleGraph, gemm } from './double-graph.ts';
import { factorColumns } from './householder.ts';
import { block, rowsOf, transpose, zeros, type Matrix } from './matrix.ts';
import { Reflector } from './reflector.ts';

/** Width of a panel, and of the band: wider feeds the matrix products better, narrower leaves less for the chase of the bulges. */
export const PANEL = 32;

/** Panels whose updates are gathered before the matrix itself is updated. */
const GATHER = 6;

/** c - z' u: part of a gathered update, applied to the few rows or columns that are needed now. */
const applyUpdate = doubleGraph(['c', 'z', 'u'], ['y'], [gemm('y', 'z', 'u', { transA: 1, minusFrom: 'c' })]);

/** (t' v) (a - u' z), with a read once and never copied. */
const leftProduct = doubleGraph(
  ['a', 'u', 'z', 'v', 't'],
  ['w'],
  [
    gemm('av', 'a', 'v', { transA: 1, transB: 1 }),
    gemm('uv', 'u', 'v', { transB: 1 }),
    gemm('y', 'z', 'uv', { transA: 1, minusFrom: 'av' }),
    gemm('w', 't', 'y', { transA: 1, transB: 1 }),
  ],
);

/** ((a - u' z) v' t)' */
const rightProduct = doubleGraph(
  ['a', 'u', 'z', 'v', 't'],
  ['x'],
  [
    gemm('av', 'a', 'v', { transB: 1 }),
    gemm('zv', 'z', 'v', { transB: 1 }),
    gemm('y', 'u', 'zv', { transA: 1, minusFrom: 'av' }),
    gemm('x', 't', 'y', { transA: 1, transB: 1 }),
  ],
);

/** An upper triangular matrix of bandwidth PANEL: row i holds the columns i..i + PANEL. */
export interface Band {
  /** [size, PANEL + 1] */
  data: Float64Array;
  size: number;
}

/**
 * Reduces a matrix by orthogonal transformations from both sides to an upper triangular band with the same singular values.
 * a: [p, q] with p >= q, both multiples of PANEL; it is left as it was.
 * The updates A - U' Z of several panels are gathered before they are applied, so that nearly all arithmetic is in products
 * of the whole matrix with thin ones, which leave ONNX Runtime as thin results.
 * Source: Grosser & Lang, "Efficient parallel reduction to bidiagonal form", Parallel Computing 25 (1999).
 */
export async function reduceToBand(a: Matrix): Promise<Band> {
  const size = a.columns;
  const band: Band = { data: new Float64Array(size * (PANEL + 1)), size };
  const reflector = new Reflector(PANEL * a.rows);
  const most = 2 * GATHER * PANEL;
  const left = Math.max(0, a.rows - GATHER * PANEL) * Math.max(0, size - GATHER * PANEL);
  const memory: Memory = {
    u: new Float64Array(most * a.rows),
    z: new Float64Array(most * size),
    before: new Float64Array(left),
    rest: new Float64Array(left),
  };
  let rest = a;
  for (let offset = 0; offset < size; offset = size - rest.columns) rest = await reducePanels(reflector, rest, band, offset, memory);
  return band;
}

/** Large matrices that every group of panels needs anew. */
interface Memory {
  /** The gathered updates. */
  u: Float64Array;
  z: Float64Array;
  /** What is left to do before and after they are applied. */
  before: Float64Array;
  rest: Float64Array;
}

/**
 * Reduces the first GATHER panels of `a`, whose first row and column are `offset` of the whole, and gives what is left to do, in
 * memory.rest, where `a` may lie.
 */
async function reducePanels(reflector: Reflector, a: Matrix, band: Band, offset: number, memory: Memory): Promise<Matrix> {
  const { rows: m, columns: n } = a;
  const columns = Math.min(GATHER * PANEL, n);
  // The updates gathered so far: a - u' z.
  const u: Matrix = { data: memory.u, rows: 2 * columns, columns: m };
  const z: Matrix = { data: memory.z, rows: 2 * columns, columns: n };
  let rank = 0;
  const gathered = () => ({ u: rowsOf(u, 0, rank), z: rowsOf(z, 0, rank) });
  const gather = (left: Matrix, right: Matrix) => {
    u.data.set(left.data, rank * m);
    z.data.set(right.data, rank * n);
    rank += PANEL;
  };
  for (let l = 0; l < columns; l += PANEL) {
    const panel = await applyUpdate({ c: transpose(block(a, 0, l, m, PANEL)), z: block(gathered().z, 0, l, rank, PANEL), u: gathered().u });
    const left = await factorColumns(reflector, panel.y, l);
    storeUpper(band, offset + l, left.r);
    const next = l + PANEL;
    if (next === n) break;
    const { w } = await leftProduct({ a, ...gathered(), v: left.v, t: left.t });
    gather(left.v, w);

    const rows = await applyUpdate({ c: rowsOf(a, l, next), z: block(gathered().u, 0, l, rank, PANEL), u: gathered().z });
    const right = await factorColumns(reflector, rows.y, next);
    storeLower(band, offset + l, right.r);
    const { x } = await rightProduct({ a, ...gathered(), v: right.v, t: right.t });
    gather(x, right.v);
  }
  if (columns === n) return zeros(0, 0);
  const rest: Matrix = { data: memory.rest.subarray(0, (m - columns) * (n - columns)), rows: m - columns, columns: n - columns };
  await applyUpdate(
    {
      c: block(a, columns, columns, m - columns, n - columns, memory.before),
      z: block(gathered().u, 0, columns, rank, m - columns),
      u: block(gathered().z, 0, columns, rank, n - columns),
    },
    { y: rest },
  );
  return rest;
}

/** The factor of a panel of columns: the diagonal block of the band. */
function storeUpper(band: Band, offset: number, r: Matrix): void {
  for (let i = 0; i < PANEL; i++) {
    for (let j = i; j < PANEL; j++) band.data[(offset + i) * (PANEL + 1) + j - i] = r.data[i * PANEL + j]!;
  }
}

/** The transposed factor of a panel of rows: the lower triangular block right of the diagonal block. */
function storeLower(band: Band, offset: number, r: Matrix): void {
  for (let i = 0; i < PANEL; i++) {
    for (let j = 0; j <= i; j++) band.data[(offset + i) * (PANEL + 1) + PANEL + j - i] = r.data[j * PANEL + i]!;
  }
}
