import { MetricsError } from '../errors.ts';
import { PANEL, reduceToBand } from './band-reduction.ts';
import { chaseBulges, type Bidiagonal } from './bulge-chase.ts';
import { zeros, type Matrix } from './matrix.ts';

/** Sweeps for each singular value after which something is wrong; two are usual, the first values take many. */
const MAX_SWEEPS = 30;

/**
 * The sum of the singular values of a matrix, with an absolute error of about 1e-15 times the largest: small singular values
 * are not squared on the way, so those of a singular matrix come out as zero.
 * Orthogonal reduction to a band, then to bidiagonal form, then implicit QR.
 * @throws MetricsError not-finite for a matrix with NaN or infinities
 */
export async function nuclearNorm(a: Matrix): Promise<number> {
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const x = Math.abs(a.data[i]!);
    if (!(x < Infinity))
      throw new MetricsError(
        'not-finite',
        `Error in nuclearNorm: entry ${i % a.columns} of row ${Math.floor(i / a.columns)} of the [${a.rows}, ${a.columns}] matrix is ${a.data[i]}`,
      );
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
    let at = tall ? i * out.columns : i;
    const step = tall ? 1 : out.columns;
    for (let j = i * columns; j < (i + 1) * columns; j++, at += step) out.data[at] = factor * data[j]!;
  }
  return out;
}

/** Shifts below this share of the first diagonal entry change nothing that double precision keeps. */
const LEAST_SHIFT = Math.sqrt(Number.EPSILON);

/**
 * The sum of a bidiagonal matrix's singular values by implicit QR: sweeps of rotations that move what is off the diagonal out at the end of
 * a block. Source: Golub & Kahan 1965; without a shift, where a shift would cost small values their digits, Demmel & Kahan 1990 (LAPACK's
 * dbdsqr).
 */
export function sumOfSingularValues({ diagonal, above }: Bidiagonal): number {
  const d = diagonal.slice();
  const e = above.slice();
  let norm = 0;
  for (const x of [d, e]) for (let i = 0; i < x.length; i++) norm = Math.max(norm, Math.abs(x[i]!));
  const negligible = Number.EPSILON * norm;
  let sum = 0;
  let sweeps = 0;
  // The block first..last has no negligible entry above its diagonal; what lies behind it is done.
  for (let last = d.length - 1; last >= 0;) {
    let turned = -1;
    for (;;) {
      let first = last;
      while (first > 0 && Math.abs(e[first - 1]!) > negligible) first--;
      if (last - first < 2) {
        sum += first === last ? Math.abs(d[last]!) : sumOfTwo(d[first]!, e[first]!, d[last]!);
        last = first - 1;
        break;
      }
      if (sweeps++ === MAX_SWEEPS * d.length)
        throw new MetricsError('not-converged', `Error in nuclearNorm: no convergence in ${MAX_SWEEPS} sweeps a singular value`, {
          first,
          last,
          size: d.length,
        });
      // Small values are found first where they stand last. A block turned around and transposed is bidiagonal too.
      if (turned !== first && Math.abs(d[first]!) < Math.abs(d[last]!)) {
        d.subarray(first, last + 1).reverse();
        e.subarray(first, last).reverse();
      }
      turned = first;
      const shift = lesserOfTwo(d[last - 1]!, e[last - 1]!, d[last]!);
      if (shift > LEAST_SHIFT * Math.abs(d[first]!) && d[first] !== 0) sweep(d, e, first, last, shift);
      else sweepUnshifted(d, e, first, last);
    }
  }
  return sum;
}

/** Both singular values of [[f, g], [0, h]] together. */
const sumOfTwo = (f: number, g: number, h: number): number => Math.sqrt(f * f + g * g + h * h + 2 * Math.abs(f * h));

/** The smaller of the two. */
function lesserOfTwo(f: number, g: number, h: number): number {
  const determinant = Math.abs(f * h);
  if (determinant === 0) return 0;
  const squares = f * f + g * g + h * h;
  return determinant / Math.sqrt((squares + Math.sqrt(Math.max(0, squares * squares - 4 * determinant * determinant))) / 2);
}

function sweep(d: Float64Array, e: Float64Array, first: number, last: number, shift: number): void {
  let [di, ei] = [d[first]!, e[first]!];
  let f = (Math.abs(di) - shift) * (Math.sign(di) + shift / di);
  let g = ei;
  for (let i = first; i < last; i++) {
    let r = Math.sqrt(f * f + g * g);
    let c = r === 0 ? 1 : f / r;
    let s = r === 0 ? 0 : g / r;
    if (i > first) e[i - 1] = r;
    f = c * di + s * ei;
    ei = c * ei - s * di;
    g = s * d[i + 1]!;
    const below = c * d[i + 1]!;
    r = Math.sqrt(f * f + g * g);
    c = r === 0 ? 1 : f / r;
    s = r === 0 ? 0 : g / r;
    d[i] = r;
    f = c * ei + s * below;
    di = c * below - s * ei;
    if (i === last - 1) break;
    g = s * e[i + 1]!;
    ei = c * e[i + 1]!;
  }
  d[last] = di;
  e[last - 1] = f;
}

function sweepUnshifted(d: Float64Array, e: Float64Array, first: number, last: number): void {
  let c = 1;
  let [cBefore, sBefore] = [1, 0];
  for (let i = first; i < last; i++) {
    const f = d[i]! * c;
    const g = e[i]!;
    const r = Math.sqrt(f * f + g * g);
    c = r === 0 ? 1 : f / r;
    const s = r === 0 ? 0 : g / r;
    if (i > first) e[i - 1] = sBefore * r;
    const p = cBefore * r;
    const q = d[i + 1]! * s;
    const length = Math.sqrt(p * p + q * q);
    cBefore = length === 0 ? 1 : p / length;
    sBefore = length === 0 ? 0 : q / length;
    d[i] = length;
  }
  const h = d[last]! * c;
  d[last] = h * cBefore;
  e[last - 1] = h * sBefore;
}
