import { PANEL, type Band } from './band-reduction.ts';
import { Reflector } from './reflector.ts';

/** The diagonal and the superdiagonal of an upper bidiagonal matrix. */
export interface Bidiagonal {
  diagonal: Float64Array;
  /** One shorter than the diagonal. */
  above: Float64Array;
}

/** Entries of a row that are kept while bulges run through: PANEL - 1 left of the diagonal, 2 PANEL - 1 right of it. */
const WIDTH = 3 * PANEL - 1;
/** From an entry to the one below it. */
const DOWN = WIDTH - 1;

/**
 * Reduces an upper triangular band matrix to bidiagonal form by chasing bulges with Householder reflections; the singular
 * values stay. About 8 PANEL n^2 operations on a few megabytes.
 * Source: Lang, "Parallel reduction of banded matrices to bidiagonal form", Parallel Computing 22 (1996).
 */
export function chaseBulges({ data, size: n }: Band): Bidiagonal {
  // Zero rows and columns behind the end let every block have its full size.
  const reflector = new Reflector(PANEL + (n + 2 * PANEL) * WIDTH);
  const x = reflector.memory;
  const entry = (row: number, column: number): number => PANEL + row * WIDTH + PANEL - 1 + column - row;
  for (let i = 0; i < n; i++) x.set(data.subarray(i * (PANEL + 1), i * (PANEL + 1) + Math.min(PANEL + 1, n - i)), entry(i, i));
  for (let sweep = 0; sweep < n - 1; sweep++) {
    // The first reflection clears this row of the band, the others push the bulge that it makes towards the end.
    for (let from = sweep + 1, source = sweep; from < n; source = from, from += PANEL) {
      const row = entry(source, from);
      for (let k = 0; k < PANEL; k++) x[k] = x[row + k]!;
      const right = reflector.makeVector(0, PANEL);
      if (right.tau !== 0) {
        x[row] = right.beta;
        x.fill(0, row + 1, row + PANEL);
        reflector.fromRight({ at: entry(source + 1, from), stride: DOWN, rows: from + PANEL - source - 1, columns: PANEL }, 0, right.tau);
      }
      const column = entry(from, from);
      for (let k = 0; k < PANEL; k++) x[k] = x[column + k * DOWN]!;
      const left = reflector.makeVector(0, PANEL);
      if (left.tau !== 0) {
        reflector.fromLeft({ at: column, stride: DOWN, rows: PANEL, columns: 2 * PANEL }, 0, left.tau);
        x[column] = left.beta;
        for (let k = 1; k < PANEL; k++) x[column + k * DOWN] = 0;
      }
    }
  }
  const diagonal = new Float64Array(n);
  const above = new Float64Array(Math.max(0, n - 1));
  for (let i = 0; i < n; i++) {
    diagonal[i] = x[entry(i, i)]!;
    if (i + 1 < n) above[i] = x[entry(i, i + 1)]!;
  }
  return { diagonal, above };
}
