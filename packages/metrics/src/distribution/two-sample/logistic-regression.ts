import { cholesky, solveFactored } from '../../linear-algebra/cholesky.ts';
import { doubleGraph, gemm } from '../../linear-algebra/double-graph.ts';
import { zeros, type Matrix } from '../../linear-algebra/matrix.ts';
import { MetricsError } from '../../errors.ts';

const MAX_ITERATIONS = 50;

const products = doubleGraph(['x'], ['y'], [gemm('y', 'x', 'x', { transB: 1 })]);

/** Inner products of rows over the number of columns, by the numbers of the two rows. */
export async function innerProducts(x: Matrix): Promise<(i: number, j: number) => number> {
  const { y } = await products({ x });
  return (i, j) => y.data[i * y.columns + j]! / x.columns;
}

/** Columns to mean 0 and variance 1 over the first `count` rows; constant columns to 0. */
export function standardize(x: Matrix, count: number): void {
  const { data, rows, columns } = x;
  for (let j = 0; j < columns; j++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += data[i * columns + j]!;
    mean /= count;
    let square = 0;
    for (let i = 0; i < count; i++) square += (data[i * columns + j]! - mean) ** 2;
    const scale = square > 0 ? Math.sqrt((count - 1) / square) : 0;
    for (let i = 0; i < rows; i++) data[i * columns + j] = (data[i * columns + j]! - mean) * scale;
  }
}

/**
 * Logistic regression with a standard normal prior on the score (a ridge of 1 on standardised features over D): the weights of the
 * rows, of which the first half are labelled 0 and the rest 1. Newton's method in its stable form
 * (Rasmussen & Williams, "Gaussian processes for machine learning", algorithm 3.1).
 */
export async function fitLogistic(kernel: Float64Array, half: number): Promise<Float64Array> {
  const n = 2 * half;
  const times = (v: Float64Array): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += kernel[i * n + j]! * v[j]!;
      return sum;
    });
  let weights: Float64Array = new Float64Array(n);
  let scores: Float64Array = new Float64Array(n);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const probability = scores.map((s) => 1 / (1 + Math.exp(-s)));
    const curvature = probability.map((p) => p * (1 - p));
    const target = scores.map((s, i) => curvature[i]! * s + (i < half ? 0 : 1) - probability[i]!);
    const root = curvature.map(Math.sqrt);
    const system = zeros(n, n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) system.data[i * n + j] = root[i]! * root[j]! * kernel[i * n + j]! + (i === j ? 1 : 0);
    const l = (await cholesky(system))!; // its smallest eigenvalue is at least 1
    const right = times(target).map((v, i) => v * root[i]!);
    const solved = solveFactored(l, right);
    weights = target.map((v, i) => v - root[i]! * solved[i]!);
    const next = times(weights);
    const change = next.reduce((worst, s, i) => Math.max(worst, Math.abs(s - scores[i]!)), 0);
    scores = next;
    if (change < 1e-10) return weights;
  }
  throw new MetricsError(
    'not-converged',
    `Error in a two-sample test: the logistic regression did not converge in ${MAX_ITERATIONS} iterations`,
  );
}
