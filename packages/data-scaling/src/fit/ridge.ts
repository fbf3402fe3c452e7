import { DataScalingError } from '../errors.ts';
import { solvePositive } from './cholesky.ts';

/** A line through standardised predictors, from {@link fitRidge}. */
export interface Ridge {
  /** The penalty, as a share of the predictors' own variance. */
  readonly lambda: number;
  /** Mean absolute error on the groups that were left out, at this penalty. */
  readonly leftOutError: number;
  predict(x: readonly number[]): number;
}

const PENALTIES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] as const;

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Ridge regression at one penalty; predictors that never vary are left out of it. */
function solve(x: readonly (readonly number[])[], y: readonly number[], lambda: number): (row: readonly number[]) => number {
  const columns = x[0]!.map((_, j) => x.map((row) => row[j]!));
  const centres = columns.map(mean);
  const scales = columns.map((values, j) => Math.sqrt(mean(values.map((value) => (value - centres[j]!) ** 2))));
  const kept = scales.flatMap((scale, j) => (scale > 1e-12 * Math.abs(centres[j]!) && scale > 0 ? [j] : []));
  const level = mean(y);
  if (kept.length === 0) return () => level;
  const standard = (row: readonly number[]): number[] => kept.map((j) => (row[j]! - centres[j]!) / scales[j]!);
  const z = x.map(standard);
  const k = kept.length;
  const normal = new Float64Array(k * k);
  const right = new Float64Array(k);
  for (const [i, row] of z.entries()) {
    for (let a = 0; a < k; a++) {
      right[a]! += row[a]! * (y[i]! - level);
      for (let b = 0; b < k; b++) normal[a * k + b]! += row[a]! * row[b]!;
    }
  }
  for (let a = 0; a < k; a++) normal[a * k + a]! += lambda * z.length;
  // Positive whatever the predictors: a penalty stands on the diagonal. `right` becomes the weights.
  solvePositive(normal, right);
  return (row) => level + standard(row).reduce((sum, value, a) => sum + value * right[a]!, 0);
}

/**
 * Ridge regression (Hoerl and Kennard 1970) of `y` on standardised `x`. The penalty is the one with the least error when each group is
 * predicted from the others: rows of a group (such as the seeds of one recipe) are never on both sides.
 * @param x a row an observation
 * @param groups of each observation; at least two different ones
 * @throws DataScalingError invalid-runs for rows that do not fit each other or values that are not finite, too-few-runs
 */
export function fitRidge(x: readonly (readonly number[])[], y: readonly number[], groups: readonly string[]): Ridge {
  const names = [...new Set(groups)];
  if (x.length !== y.length || x.length !== groups.length || x.some((row) => row.length !== x[0]!.length))
    throw new DataScalingError(
      'invalid-runs',
      `${x.length} rows of predictors, ${y.length} values, ${groups.length} groups: one each expected`,
    );
  if (![...x.flat(), ...y].every(Number.isFinite)) throw new DataScalingError('invalid-runs', 'predictors and values must be finite');
  if (names.length < 2) throw new DataScalingError('too-few-runs', `a penalty is chosen by leaving groups out: got ${names.length} group`);
  const errorAt = (lambda: number): number => {
    const errors = names.flatMap((name) => {
      const train = groups.flatMap((group, i) => (group === name ? [] : [i]));
      const predict = solve(
        train.map((i) => x[i]!),
        train.map((i) => y[i]!),
        lambda,
      );
      return groups.flatMap((group, i) => (group === name ? [Math.abs(predict(x[i]!) - y[i]!)] : []));
    });
    return mean(errors);
  };
  const tried = PENALTIES.map((lambda) => ({ lambda, leftOutError: errorAt(lambda) }));
  const best = tried.reduce((a, b) => (b.leftOutError < a.leftOutError ? b : a));
  return { ...best, predict: solve(x, y, best.lambda) };
}
