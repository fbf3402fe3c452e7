import { checkFeatures, type Features } from '../features/feature-vectors.ts';
import { cholesky, solveFactored } from '../linear-algebra/cholesky.ts';
import { doubleGraph, gemm } from '../linear-algebra/double-graph.ts';
import { zeros } from '../linear-algebra/matrix.ts';
import { MetricsError } from '../errors.ts';

const scatter = doubleGraph(['x'], ['y'], [gemm('y', 'x', 'x', { transA: 1 })]);

/** Tells classes of features apart by one linear score each. */
export interface LinearDiscriminant {
  /** Scores of each row for each class, [N, K], up to a constant of the row the logarithm of the class's probability. */
  scores(features: Features): Float64Array;
  /** The class of each row: that of its highest score. */
  classify(features: Features): number[];
}

/**
 * Linear discriminant analysis: classes are Gaussians with means of their own and one covariance, equally likely beforehand.
 * Source: Hastie, Tibshirani & Friedman, "The elements of statistical learning", 4.3; scikit-learn's
 * `LinearDiscriminantAnalysis(solver='lsqr', shrinkage, priors)`.
 * @param classes features of each, at least 2 rows
 * @param options.shrinkage how far the covariance is drawn to a multiple of the identity, in (0, 1]
 * @throws MetricsError invalid-shape below two classes or where dimensions differ; too-few-samples; not-finite; invalid-option
 */
export async function linearDiscriminant(classes: readonly Features[], { shrinkage }: { shrinkage: number }): Promise<LinearDiscriminant> {
  const what = 'linearDiscriminant';
  if (!(shrinkage > 0 && shrinkage <= 1))
    throw new MetricsError('invalid-option', `Error in ${what}: shrinkage must lie above 0 and be at most 1, got ${shrinkage}`, {
      shrinkage,
    });
  const sizes = classes.map((features, k) => checkFeatures(`${what}, class ${k}`, features));
  const d = sizes[0]?.d ?? 0;
  if (sizes.length < 2 || sizes.some((size) => size.d !== d))
    throw new MetricsError('invalid-shape', `Error in ${what}: expected two or more classes of one dimension, got [${sizes.map((size) => size.d).join(', ')}]`, {
      dimensions: sizes.map((size) => size.d),
    }); // prettier-ignore
  const few = sizes.findIndex(({ n }) => n < 2);
  if (few >= 0)
    throw new MetricsError('too-few-samples', `Error in ${what}: class ${few} has ${sizes[few]!.n} row, at least 2 are needed`, {
      n: sizes[few]!.n,
    });
  const means = classes.map(meanOf);
  const covariance = zeros(d, d);
  for (const [k, { data }] of classes.entries()) {
    const { n } = sizes[k]!;
    const centred = { data: Float64Array.from(data, (value, i) => value - means[k]![i % d]!), rows: n, columns: d };
    const { y } = await scatter({ x: centred });
    for (let i = 0; i < y.data.length; i++) covariance.data[i]! += y.data[i]! / n / classes.length;
  }
  shrink(covariance.data, d, shrinkage);
  const factor = await cholesky(covariance);
  if (factor === null)
    throw new MetricsError('invalid-shape', `Error in ${what}: no feature varies within any class`, { classes: classes.length });
  const weights = means.map((mean) => solveFactored(factor, mean));
  const offsets = means.map((mean, k) => -0.5 * dot(mean, 0, weights[k]!));
  const scores = (features: Features): Float64Array => {
    const size = checkFeatures(`${what}, scores`, features);
    if (size.d !== d)
      throw new MetricsError('invalid-shape', `Error in ${what}: learnt from features of dimension ${d}, got ${size.d}`, {
        d,
        got: size.d,
      });
    const K = classes.length;
    return Float64Array.from(
      { length: size.n * K },
      (_, i) => offsets[i % K]! + dot(features.data, Math.floor(i / K) * d, weights[i % K]!),
    );
  };
  const classify = (features: Features): number[] => {
    const K = classes.length;
    const all = scores(features);
    return Array.from({ length: all.length / K }, (_, n) => {
      const row = all.subarray(n * K, (n + 1) * K);
      return row.indexOf(Math.max(...row));
    });
  };
  return { scores, classify };
}

function meanOf({ data, shape }: Features): Float64Array {
  const [n, d] = shape as [number, number];
  const mean = new Float64Array(d);
  for (let i = 0; i < data.length; i++) mean[i % d]! += data[i]! / n;
  return mean;
}

/** Draws a covariance [d, d] to the identity times its mean variance. */
function shrink(covariance: Float64Array, d: number, shrinkage: number): void {
  let trace = 0;
  for (let i = 0; i < d; i++) trace += covariance[i * d + i]!;
  for (let i = 0; i < covariance.length; i++) covariance[i]! *= 1 - shrinkage;
  for (let i = 0; i < d; i++) covariance[i * d + i]! += (shrinkage * trace) / d;
}

/** Of a row of many and a vector. */
function dot(rows: ArrayLike<number>, from: number, vector: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < vector.length; j++) sum += rows[from + j]! * vector[j]!;
  return sum;
}
