import { MetricsError } from '../errors.ts';
import { copiesOf, countDistinct, type ContentKeys } from '../features/content-order.ts';
import { doubleGraph, gemm, type DoubleNode } from '../linear-algebra/double-graph.ts';
import { rowsOf, type Matrix } from '../linear-algebra/matrix.ts';

/** Rows of either set that meet in one call: 8 MB of kernel values. */
const BLOCK = 1024;

type KernelGraph = ReturnType<typeof kernelGraph>;

/**
 * A kernel of rows of x and y, from `g`, their products; `p` holds its parameters. Gives the sums of its rows and columns and, where i = j,
 * its values.
 */
export const kernelGraph = (kernel: readonly DoubleNode[]) =>
  doubleGraph(
    ['x', 'y', 'p', 'onesX', 'onesY'],
    ['rows', 'columns'],
    [gemm('g', 'x', 'y', { transB: 1 }), ...kernel, gemm('rows', 'k', 'onesY'), gemm('columns', 'onesX', 'k')],
  );

const scalar = (value: number): Matrix => ({ data: Float64Array.of(value), rows: 1, columns: 1 });
const ones = (rows: number, columns: number): Matrix => ({ data: new Float64Array(rows * columns).fill(1), rows, columns });

/** Sums of the kernel over all pairs of a row of x and a row of y: for each x, and for each y. */
async function kernelSums(
  graph: KernelGraph,
  parameter: number,
  x: Matrix,
  y: Matrix,
): Promise<{ rows: Float64Array; columns: Float64Array }> {
  const rows = new Float64Array(x.rows);
  const columns = new Float64Array(y.rows);
  const symmetric = x === y;
  for (let i = 0; i < x.rows; i += BLOCK) {
    const a = rowsOf(x, i, Math.min(i + BLOCK, x.rows));
    for (let j = symmetric ? i : 0; j < y.rows; j += BLOCK) {
      const b = rowsOf(y, j, Math.min(j + BLOCK, y.rows));
      const sums = await graph({ x: a, y: b, p: scalar(parameter), onesX: ones(1, a.rows), onesY: ones(b.rows, 1) });
      sums.rows.data.forEach((sum, k) => (rows[i + k]! += sum));
      sums.columns.data.forEach((sum, k) => (columns[j + k]! += sum));
      // The block below the diagonal is this one transposed.
      if (symmetric && j > i) sums.columns.data.forEach((sum, k) => (rows[j + k]! += sum));
    }
  }
  return { rows, columns: symmetric ? rows : columns };
}

/** An estimate of the squared maximum mean discrepancy of two distributions. */
export interface KernelDistance {
  /** Without the pairs of a row with itself, or with a copy of it: its expectation is the true value, and it may be negative. */
  unbiased: number;
  /** With them, as some implementations print: too large by O(1/N). */
  biased: number;
  /** Of `unbiased`, from the spread of the images' contributions, copies together; too large where the distributions are nearly equal. */
  standardError: number;
  /** Different images of either set. */
  n: number;
  m: number;
}

/** Rows with the keys of their images. */
export interface KeyedRows extends Matrix {
  keys: ContentKeys;
}

/**
 * Squared maximum mean discrepancy over all pairs. Rows of one key are one image: pairs of them are left out as those of a row with itself
 * are, and they are no independent samples.
 * @param ownKernel the kernel of a row with itself
 * @throws MetricsError too-few-samples for a set of one image alone
 * Source: Gretton et al., "A kernel two-sample test", JMLR 13 (2012), lemma 6; standard error from the first-order terms (Serfling 1980,
 * 5.5.1).
 */
export async function squaredDiscrepancy(
  graph: KernelGraph,
  parameter: number,
  x: KeyedRows,
  y: KeyedRows,
  ownKernel: (row: Float64Array) => number,
): Promise<KernelDistance> {
  for (const { keys } of [x, y])
    if (countDistinct(keys) < 2) throw new MetricsError('too-few-samples', 'a kernel distance needs two different images of either set');
  const n = x.rows;
  const m = y.rows;
  const cross = await kernelSums(graph, parameter, x, y);
  const sides = [];
  for (const [set, towards, others] of [
    [x, cross.rows, m],
    [y, cross.columns, n],
  ] as const) {
    const { rows } = await kernelSums(graph, parameter, set, set);
    const copies = copiesOf(set.keys);
    let all = 0;
    let own = 0;
    // Of each row: its mean kernel with the other images of its set, less that with the other set.
    const contributions = rows.map((sum, i) => {
      const self = copies[i]! * ownKernel(set.data.subarray(i * set.columns, (i + 1) * set.columns));
      all += sum;
      own += self;
      return (sum - self) / (set.rows - copies[i]!) - towards[i]! / others;
    });
    const mean = contributions.reduce((a, b) => a + b) / set.rows;
    const deviations = new Map<string, number>();
    for (const [i, key] of set.keys.entries()) deviations.set(key, (deviations.get(key) ?? 0) + contributions[i]! - mean);
    const images = deviations.size;
    const variance = [...deviations.values()].reduce((a, b) => a + b ** 2, 0) / (images - 1);
    sides.push({
      images,
      unbiased: (all - own) / (set.rows ** 2 - copies.reduce((a, b) => a + b, 0)),
      biased: all / set.rows ** 2,
      // Deviations add up within an image: of `images` of them, each of rows / images.
      squaredError: (4 * variance) / (set.rows * (set.rows / images)),
    });
  }
  const [first, second] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const between = (2 * cross.rows.reduce((a, b) => a + b)) / (n * m);
  return {
    unbiased: first.unbiased + second.unbiased - between,
    biased: first.biased + second.biased - between,
    standardError: Math.sqrt(first.squaredError + second.squaredError),
    n: first.images,
    m: second.images,
  };
}
