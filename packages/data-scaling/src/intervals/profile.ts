import { studentQuantile } from '@controllab/report';
import type { Fit } from '../fit/laws.ts';
import { minimise } from '../fit/minimise.ts';
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
export function profileIntervals(fit: Fit, { level = 0.95 }: { level?: number } = {}): Record<string, Interval> {
  const scale = residualScale(fit);
  const errors = standardErrors(fit, scale);
  const bound = studentQuantile(0.5 + level / 2, scale.degrees);
  return Object.fromEntries(
    fit.law.names.map((name, j) => {
      const ends = [-1, 1].map((sign) => profileEnd(fit, j, sign * (Number.isFinite(errors[j]!) ? errors[j]! : 1), bound, scale));
      const [low, high] = fit.law.logarithmic[j] ? ends.map(Math.exp) : ends;
      return [name, [low!, high!] as const];
    }),
  );
}

/** Where the root of the scaled rise of the objective reaches `bound`, from the minimum in the direction of `error`. */
function profileEnd(fit: Fit, j: number, error: number, bound: number, { slope, square }: ResidualScale): number {
  let warm: Float64Array = fit.theta;
  const rise = (offset: number): number => {
    const start = Float64Array.from(warm);
    start[j] = fit.theta[j]! + offset;
    const found = minimise(fit.model, start, { delta: fit.delta, fixed: j });
    warm = found.theta;
    return Math.sqrt((2 * Math.max(0, found.objective - fit.objective) * slope) / square) - bound;
  };
  let [inside, below] = [0, -bound];
  let outside = bound * error;
  let above = rise(outside);
  for (let step = 0; above < 0; step++) {
    if (step === STEPS) return error < 0 ? -Infinity : Infinity;
    [inside, below] = [outside, above];
    outside *= 2;
    above = rise(outside);
  }
  // Illinois: false position that halves the end which stays.
  for (let i = 0; i < REFINEMENTS && Math.abs(outside - inside) > 1e-6 * Math.abs(error); i++) {
    const middle = inside - (below * (outside - inside)) / (above - below);
    const value = rise(middle);
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
