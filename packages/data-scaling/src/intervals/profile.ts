import { studentQuantile } from '@controllab/report';
import type { Fit } from '../fit/laws.ts';
import { minimise, type Minimum } from '../fit/minimise.ts';
import { finished, type Parts } from '../parts.ts';
import { residualScale, standardErrors, type ResidualScale } from './scale.ts';

export type Interval = readonly [low: number, high: number];

/** Steps outwards, each twice the one before, until the objective has risen enough. */
const STEPS = 8;
const REFINEMENTS = 12;

/**
 * Profile intervals of a fit's parameters, by the law's names: the values of one parameter under which all others, fitted anew, leave the
 * objective within what chance explains. They bend with the law where standard errors do not. An end that is never reached is 0 or
 * Infinity of a coefficient, and Infinity of an exponent.
 * @param level of confidence
 */
export const profileIntervals = (fit: Fit, options: { level?: number } = {}): Record<string, Interval> =>
  finished(profileInParts(fit, options));

/** {@link profileIntervals}, one search after the other. */
export function* profileInParts(fit: Fit, { level = 0.95 }: { level?: number } = {}): Parts<Record<string, Interval>> {
  const scale = residualScale(fit);
  const errors = standardErrors(fit, scale);
  const bound = studentQuantile(0.5 + level / 2, scale.degrees);
  const intervals: Record<string, Interval> = {};
  for (const [j, name] of fit.law.names.entries()) {
    const error = Number.isFinite(errors[j]!) ? errors[j]! : 1;
    const low = yield* profileEnd(fit, j, -error, bound, scale);
    const high = yield* profileEnd(fit, j, error, bound, scale);
    intervals[name] = fit.law.logarithmic[j] ? [Math.exp(low), Math.exp(high)] : [low, high];
  }
  return intervals;
}

/** Where the root of the scaled rise of the objective reaches `bound`, from the minimum in the direction of `error`. */
function* profileEnd(fit: Fit, j: number, error: number, bound: number, { slope, square }: ResidualScale): Parts<number> {
  // The last place within the bound. A place beyond it may have lost a term of the law, and no slope leads back from there.
  let warm = fit.theta;
  function* rise(offset: number): Parts<number> {
    let best: Minimum | null = null;
    for (const from of new Set([fit.theta, warm])) {
      const start = Float64Array.from(from);
      start[j] = fit.theta[j]! + offset;
      const found = minimise(fit.model, start, { delta: fit.delta, fixed: j });
      if (best === null || found.objective < best.objective) best = found;
      yield;
    }
    const risen = Math.sqrt((2 * Math.max(0, best!.objective - fit.objective) * slope) / square) - bound;
    if (risen < 0) warm = best!.theta;
    return risen;
  }
  let [inside, below] = [0, -bound];
  let outside = bound * error;
  let above = yield* rise(outside);
  for (let step = 0; above < 0; step++) {
    if (step === STEPS) return error < 0 ? -Infinity : Infinity;
    [inside, below] = [outside, above];
    outside *= 2;
    above = yield* rise(outside);
  }
  // Illinois: false position that halves the end which stays.
  for (let i = 0; i < REFINEMENTS && Math.abs(outside - inside) > 1e-6 * Math.abs(error); i++) {
    const middle = inside - (below * (outside - inside)) / (above - below);
    const value = yield* rise(middle);
    if (Math.abs(value) < 1e-4) return fit.theta[j]! + middle;
    if (value < 0) {
      [inside, below] = [middle, value];
      above /= 2;
    } else {
      [outside, above] = [middle, value];
      below /= 2;
    }
  }
  return fit.theta[j]! + (inside + outside) / 2;
}
