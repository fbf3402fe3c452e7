import { studentQuantile } from '@controllab/report';
import type { Fit } from '../fit/laws.ts';
import { minimise, type Minimum } from '../fit/minimise.ts';
import { finished, type Parts } from '../parts.ts';
import { residualScale, standardErrors, type ResidualScale } from './scale.ts';

export type Interval = readonly [low: number, high: number];

/** Whether the runs leave open both how large and how small a parameter is. */
export const isUnbounded = ([low, high]: Interval): boolean => high === Infinity && (low === 0 || low === -Infinity);

/** Steps outwards, each twice the one before, until the objective has risen enough. */
const STEPS = 8;
const REFINEMENTS = 40;
/** Farthest first step of a logarithm: of a term that the runs do not need, an error says nothing. */
const LOG_STEP = 1;

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
    const error = fit.law.logarithmic[j] ? Math.min(errors[j]!, LOG_STEP) : Number.isFinite(errors[j]!) ? errors[j]! : 1;
    const low = yield* profileEnd(fit, j, -error, bound, scale);
    const high = yield* profileEnd(fit, j, error, bound, scale);
    intervals[name] = fit.law.logarithmic[j] ? [Math.exp(low), Math.exp(high)] : [low, high];
  }
  return intervals;
}

/** Shares of the least loss: an offset below the first has no slope that leads back, one of the second does. */
const LOST = 1e-3;
const REVIVED = 0.5;

/**
 * The minimum with an offset again, where it came out as nothing: from there no search finds what other values a parameter may have with
 * one. Null where there is one, or it is the parameter whose interval is asked for.
 */
function withOffset({ law, model, theta }: Fit, j: number): Float64Array | null {
  const offset = law.names.indexOf('E');
  const least = model.target.reduce((low, value) => Math.min(low, value), Infinity);
  if (offset < 0 || offset === j || theta[offset]! > least + Math.log(LOST)) return null;
  const revived = Float64Array.from(theta);
  revived[offset] = least + Math.log(REVIVED);
  return revived;
}

/** Where the root of the scaled rise of the objective reaches `bound`, from the minimum in the direction of `error`. */
function* profileEnd(fit: Fit, j: number, error: number, bound: number, { slope, square }: ResidualScale): Parts<number> {
  // The last place within the bound. A place beyond it may have lost a term of the law, and no slope leads back from there.
  let warm = fit.theta;
  const revived = withOffset(fit, j);
  function* rise(offset: number): Parts<number> {
    let best: Minimum | null = null;
    for (const from of new Set([fit.theta, warm, ...(revived === null ? [] : [revived])])) {
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
