import { solvePositive } from './cholesky.ts';

/** Powers of a variable for every exponent of a grid: [exponents, runs]. */
const powers = (logs: Float64Array, exponents: readonly number[], shift: number): Float64Array[] =>
  exponents.map((exponent) => logs.map((log) => Math.exp(-exponent * (log - shift))));

/** Exponents of the grid, closer together where laws lie. */
const EXPONENTS = [0.02, 0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.38, 0.47, 0.57, 0.68, 0.8, 1, 1.25, 1.6, 2];

/** Levels of a start: below this share of the loss a coefficient counts as zero, and its logarithm starts here. */
const LEAST = 1e-6;

export interface Start {
  /** By term: the logarithm of the coefficient. */
  readonly levels: readonly number[];
  /** By variable. */
  readonly exponents: readonly number[];
  /** Sum of squared relative residuals. */
  readonly squares: number;
}

/**
 * Starts for E + sum of A_k / x_k^alpha_k by variable projection (Golub and Pereyra, 1973): for given exponents the law is linear, so its
 * coefficients are those of least squares (of relative residuals, none negative), and only the exponents are searched. The local minima
 * of a grid of exponents, best first.
 * @param logs of one or two variables, natural, one a run
 * @param target natural logarithms of what was measured
 * @param offset whether there is an E
 */
export function projectedStarts(
  logs: readonly Float64Array[],
  target: Float64Array,
  { offset, weights = null, count }: { offset: boolean; weights?: Float64Array | null; count: number },
): Start[] {
  const shifts = logs.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const tables = logs.map((values, v) => powers(values, EXPONENTS, shifts[v]!));
  const size = EXPONENTS.length;
  const grid: Start[] = [];
  for (let cell = 0; cell < size ** logs.length; cell++) {
    const at = logs.map((_, v) => Math.floor(cell / size ** v) % size);
    const columns = at.map((exponent, v) => tables[v]![exponent]!);
    const { coefficients, squares } = nonNegative(columns, target, offset, weights);
    grid.push({
      levels: coefficients.map((c, k) =>
        k < logs.length ? Math.log(Math.max(c, LEAST)) + EXPONENTS[at[k]!]! * shifts[k]! : Math.log(Math.max(c, LEAST)),
      ),
      exponents: at.map((exponent) => EXPONENTS[exponent]!),
      squares,
    });
  }
  const isLowest = (cell: number): boolean =>
    logs.every((_, v) => {
      const [stride, at] = [size ** v, Math.floor(cell / size ** v) % size];
      return (
        (at === 0 || grid[cell - stride]!.squares >= grid[cell]!.squares) &&
        (at === size - 1 || grid[cell + stride]!.squares >= grid[cell]!.squares)
      );
    });
  return grid
    .filter((_, cell) => isLowest(cell))
    .sort((a, b) => a.squares - b.squares)
    .slice(0, count);
}

/** Least squares of relative residuals with coefficients that are not negative, of at most three columns: every subset is tried. */
function nonNegative(
  columns: readonly Float64Array[],
  target: Float64Array,
  offset: boolean,
  weights: Float64Array | null,
): { coefficients: number[]; squares: number } {
  const n = columns.length + (offset ? 1 : 0);
  const normal = new Float64Array(n * n);
  const right = new Float64Array(n);
  const row = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < target.length; i++) {
    const weight = weights === null ? 1 : weights[i]!;
    if (weight === 0) continue;
    const scale = Math.exp(-target[i]!);
    for (let k = 0; k < n; k++) row[k] = k < columns.length ? columns[k]![i]! * scale : scale;
    total += weight;
    for (let a = 0; a < n; a++) {
      right[a]! += weight * row[a]!;
      for (let b = 0; b <= a; b++) normal[a * n + b]! += weight * row[a]! * row[b]!;
    }
  }
  let best = { coefficients: new Array<number>(n).fill(0), squares: total };
  for (let subset = 1; subset < 1 << n; subset++) {
    const chosen = Array.from({ length: n }, (_, k) => k).filter((k) => (subset >> k) & 1);
    const matrix = new Float64Array(chosen.length ** 2);
    chosen.forEach((a, i) => chosen.forEach((b, j) => (matrix[i * chosen.length + j] = normal[Math.max(a, b) * n + Math.min(a, b)]!)));
    const solution = Float64Array.from(chosen, (k) => right[k]!);
    if (!solvePositive(matrix, solution) || solution.some((value) => value < 0)) continue;
    const squares = total - solution.reduce((sum, value, i) => sum + value * right[chosen[i]!]!, 0);
    if (squares < best.squares) {
      const coefficients = new Array<number>(n).fill(0);
      chosen.forEach((k, i) => (coefficients[k] = solution[i]!));
      best = { coefficients, squares };
    }
  }
  return best;
}
