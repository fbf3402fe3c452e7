import { MetricsError } from '../errors.ts';
import { PANEL, reduceToBand } from './band-reduction.ts';
import { chaseBulges, type Bidiagonal } from './bulge-chase.ts';
import { zeros, type Matrix } from './matrix.ts';

/** Iterations for one singular value after which something is wrong; two are usual. */
const MAX_ITERATIONS = 60;

/**
 * The sum of the singular values of a matrix, with an absolute error of about 1e-15 times the largest: small singular values
 * are not squared on the way, so those of a singular matrix come out as zero.
 * Orthogonal reduction to a band, then to bidiagonal form, then the root-free QL iteration.
 * @throws MetricsError not-finite for a matrix with NaN or infinities
 */
export async function nuclearNorm(a: Matrix): Promise<number> {
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const x = Math.abs(a.data[i]!);
    if (!(x < Infinity)) throw new MetricsError('not-finite', `Error in nuclearNorm: entry ${i % a.columns} of row ${Math.floor(i / a.columns)} of the [${a.rows}, ${a.columns}] matrix is ${a.data[i]}`);
    if (x > largest) largest = x;
  }
  if (largest === 0) return 0;
  // Squares must neither overflow nor vanish; a power of two rounds nothing.
  const unit = 2 ** Math.floor(Math.log2(largest));
  return unit * sumOfSingularValues(chaseBulges(await reduceToBand(paddedTall(a, 1 / unit))));
}

/** The matrix times a factor, transposed if that makes it tall, with zeros up to whole panels. */
function paddedTall({ data, rows, columns }: Matrix, factor: number): Matrix {
  const tall = rows >= columns;
  const whole = (size: number): number => Math.ceil(size / PANEL) * PANEL;
  const out = tall ? zeros(whole(rows), whole(columns)) : zeros(whole(columns), whole(rows));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[tall ? i * out.columns + j : j * out.columns + i] = factor * data[i * columns + j]!;
  }
  return out;
}

/**
 * The singular values of a bidiagonal matrix are the positive eigenvalues of the symmetric tridiagonal matrix that has
 * zeros on its diagonal and their entries, interleaved, beside it (Golub & Kahan 1965): half the sum of all absolute eigenvalues.
 * Its eigenvalues by the root-free QL iteration of Pal, Walker and Kahan (Parlett, "The symmetric eigenvalue problem", 8.15; LAPACK's dsterf).
 */
export function sumOfSingularValues({ diagonal, above }: Bidiagonal): number {
  const n = 2 * diagonal.length;
  const d = new Float64Array(n);
  const squares = new Float64Array(n); // of the off-diagonal, zero at the end
  let norm = 0;
  for (let i = 0; i < n - 1; i++) {
    const x = i % 2 === 0 ? diagonal[i >> 1]! : above[i >> 1]!;
    norm = Math.max(norm, Math.abs(x));
    squares[i] = x * x;
  }
  const negligible = (Number.EPSILON * norm) ** 2;
  let sum = 0;
  for (let l = 0; l < n; l++) {
    for (let iteration = 0; ; iteration++) {
      let m = l;
      while (m < n - 1 && squares[m]! > negligible) m++;
      if (m < n - 1) squares[m] = 0;
      if (m === l) break;
      if (iteration === MAX_ITERATIONS) throw new MetricsError('not-converged', `Error in nuclearNorm: no convergence in ${MAX_ITERATIONS} iterations`, { l, n });
      const root = Math.sqrt(squares[l]!);
      const half = (d[l + 1]! - d[l]!) / (2 * root);
      const shift = d[l]! - root / (half + (half < 0 ? -1 : 1) * Math.hypot(half, 1));
      let c = 1;
      let s = 0;
      let gamma = d[m]! - shift;
      let p = gamma * gamma;
      for (let i = m - 1; i >= l; i--) {
        const b = squares[i]!;
        const r = p + b;
        squares[i + 1] = i === m - 1 ? squares[m]! : s * r;
        const before = c;
        c = p / r;
        s = b / r;
        const old = gamma;
        gamma = c * (d[i]! - shift) - s * old;
        d[i + 1] = old + (d[i]! - gamma);
        p = c === 0 ? before * b : (gamma * gamma) / c;
      }
      squares[l] = s * p;
      d[l] = shift + gamma;
    }
    sum += Math.abs(d[l]!);
  }
  return sum / 2;
}
