import { fitLawInParts, predictLosses, unidentified, type Fit, type Runs } from '../fit/laws.ts';
import { finished, type Parts } from '../parts.ts';

/** A law fitted to the smaller runs, and how it predicts the larger ones. */
export interface Rollout {
  /** Runs that were fitted, and the largest of them. */
  readonly fitted: number;
  readonly upTo: number;
  /** The runs that were predicted: every one that is larger. */
  readonly predicted: number;
  /** Mean of |predicted / measured - 1|, and the mean with its sign. */
  readonly error: number;
  readonly bias: number;
  /** Whether the search for the law of the smaller runs has: what it predicts otherwise is where it stopped. */
  readonly converged: boolean;
  /** Of the largest run. */
  readonly last: { readonly predicted: number; readonly measured: number };
}

/**
 * Rollout cross-validation: fits on small runs and predicts the larger, at every cut; the order is what a sweep would have been run in.
 * Random folds would let a law look ahead.
 * @param scale size of each run: its operations, or its examples
 * @param shares of the runs that are fitted; a cut never divides runs of one size
 */
export const rollout = (fit: Fit, runs: Runs, scale: Float64Array, shares?: readonly number[]): Rollout[] =>
  finished(rolloutInParts(fit, runs, scale, shares));

/** {@link rollout}, one search after the other. */
export function* rolloutInParts(
  fit: Fit,
  runs: Runs,
  scale: Float64Array,
  shares: readonly number[] = [0.5, 0.6, 0.7, 0.8, 0.9],
): Parts<Rollout[]> {
  const sizes = scale.toSorted();
  const cuts = new Set<number>();
  for (const share of shares) {
    const upTo = sizes[Math.min(sizes.length - 1, Math.ceil(share * sizes.length) - 1)]!;
    const fitted = sizes.filter((size) => size <= upTo).length;
    if (fitted < sizes.length && fitted > fit.law.names.length && unidentified(fit.law, runs, upToSize(scale, upTo)) === null)
      cuts.add(upTo);
  }
  const rollouts: Rollout[] = [];
  for (const upTo of cuts) rollouts.push(yield* heldOutInParts(fit, runs, scale, upTo));
  return rollouts;
}

/** Weights of the runs that are fitted. */
const upToSize = (scale: Float64Array, upTo: number): Float64Array => scale.map((size) => (size <= upTo ? 1 : 0));

/** Fits to the runs of at most `upTo` and predicts the others. */
export const heldOut = (fit: Fit, runs: Runs, scale: Float64Array, upTo: number): Rollout =>
  finished(heldOutInParts(fit, runs, scale, upTo));

function* heldOutInParts(fit: Fit, runs: Runs, scale: Float64Array, upTo: number): Parts<Rollout> {
  const fitted = yield* fitLawInParts(fit.law, runs, { delta: fit.delta, weights: upToSize(scale, upTo) });
  const predictions = predictLosses(fit.law, fitted.theta, runs);
  const larger = Array.from(scale.keys()).filter((i) => scale[i]! > upTo);
  const errors = larger.map((i) => predictions[i]! / runs.loss[i]! - 1);
  const last = larger.reduce((best, i) => (scale[i]! > scale[best]! ? i : best), larger[0]!);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    fitted: scale.length - larger.length,
    upTo,
    predicted: larger.length,
    error: mean(errors.map(Math.abs)),
    bias: mean(errors),
    converged: fitted.converged,
    last: { predicted: predictions[last]!, measured: runs.loss[last]! },
  };
}
