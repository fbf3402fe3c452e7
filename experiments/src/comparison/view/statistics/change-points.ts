import type { TrainingValue } from '../../compute/training/train.ts';
import { mean } from '../view.ts';

/** A quantity over training: what it was at each evaluated step. */
export interface Course {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** What a curve says of when and how fast a quantity changes. */
export interface Fit {
  /** Bayesian information criterion, up to a constant that all models of one course share; less is better. */
  readonly bic: number;
  /** Where a share of the change is done, of all that the curve does from the first step on: it may lie behind the run's end. */
  readonly done: (share: number) => number;
  /** The curve at the course's steps. */
  readonly curve: readonly number[];
}

/** The models: a change from the first step on, one behind a plateau, and one around a midpoint. */
export interface ChangePoints {
  readonly exponential: Fit;
  readonly plateau: Fit & { /** Where the plateau ends. */ readonly onset: number };
  readonly logistic: Fit;
}

/** A least-squares fit of values on a constant and one shape. */
interface Projection {
  readonly rss: number;
  readonly meanShape: number;
  readonly slope: number;
}

/** Fits `values`, whose mean is known. Some ten thousand times a course: it loops over numbers, and allocates no list. */
function project(values: readonly number[], meanValue: number, shape: Float64Array): Projection {
  const n = values.length;
  let total = 0;
  for (let i = 0; i < n; i++) total += shape[i]!;
  const meanShape = total / n;
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    covariance += (values[i]! - meanValue) * (shape[i]! - meanShape);
    variance += (shape[i]! - meanShape) ** 2;
  }
  const slope = variance === 0 ? 0 : covariance / variance;
  let rss = 0;
  for (let i = 0; i < n; i++) rss += (values[i]! - (meanValue + slope * (shape[i]! - meanShape))) ** 2;
  return { rss, meanShape, slope };
}

const GRID = 33;
const ROUNDS = 6;

interface Box {
  readonly lo: number;
  readonly hi: number;
}

/**
 * The two parameters in a box, on scales of the caller's, that leave the least residual: a grid, again and again around its best point.
 * Level and size of the change are solved for at every point (variable projection), so that two dimensions are left, in which the residual
 * is smooth but for a plateau's end.
 */
function search(box: readonly [Box, Box], residual: (a: number, b: number) => number): [number, number] {
  let [first, second] = box;
  let best: [number, number] = [first.lo, second.lo];
  let least = Infinity;
  const at = ({ lo, hi }: Box, k: number): number => lo + ((hi - lo) * k) / (GRID - 1);
  const around = ({ lo, hi }: Box, centre: number, outer: Box): Box => {
    const reach = (2 * (hi - lo)) / (GRID - 1);
    return { lo: Math.max(outer.lo, centre - reach), hi: Math.min(outer.hi, centre + reach) };
  };
  for (let round = 0; round < ROUNDS; round++) {
    // The exponential's onset is no choice: one column.
    for (let i = 0; i < (first.hi === first.lo ? 1 : GRID); i++) {
      for (let j = 0; j < GRID; j++) {
        const [a, b] = [at(first, i), at(second, j)];
        const found = residual(a, b);
        if (found < least) [least, best] = [found, [a, b]];
      }
    }
    [first, second] = [around(first, best[0], box[0]), around(second, best[1], box[1])];
  }
  return best;
}

/**
 * Three models of one course by least squares, with what each says of the change. `exponential`: a + b (1 - exp(-t / tau)), from the first
 * step on, as gradual learning gives; `plateau`: the same behind an onset, before which nothing changes; `logistic`: around a midpoint.
 * The difference of their BIC says whether there is a plateau: above 10 is called decisive (Kass and Raftery 1995).
 * @param course at least six evaluated steps
 */
export function changePoints({ steps, values }: Course): ChangePoints {
  const n = steps.length;
  if (n < 6) throw new RangeError(`change points need at least 6 evaluated steps, got ${n}`);
  const span = steps.at(-1)! - steps[0]!;
  const scale: Box = { lo: Math.log(span / 200), hi: Math.log(4 * span) };
  const [start] = steps as [number];
  const within: Box = { lo: start, hi: start + 0.9 * span };
  // A logistic's midpoint may lie behind the run: held at its end it would be taken for a change that was seen.
  const behind: Box = { lo: start, hi: start + 2 * span };
  const bic = (rss: number, parameters: number): number => n * Math.log(Math.max(rss, Number.MIN_VALUE) / n) + parameters * Math.log(n);

  // Filled anew by each shape.
  const shape = new Float64Array(n);
  const delayed = (onset: number, logTau: number): Float64Array => {
    const tau = Math.exp(logTau);
    for (let i = 0; i < n; i++) shape[i] = steps[i]! <= onset ? 0 : 1 - Math.exp(-(steps[i]! - onset) / tau);
    return shape;
  };
  const rising = (midpoint: number, logWidth: number): Float64Array => {
    const width = Math.exp(logWidth);
    for (let i = 0; i < n; i++) shape[i] = 1 / (1 + Math.exp(-(steps[i]! - midpoint) / width));
    return shape;
  };
  const meanValue = mean(values);
  const fitted = (of: (a: number, b: number) => Float64Array, first: Box) => {
    const [a, b] = search([first, scale], (x, y) => project(values, meanValue, of(x, y)).rss);
    const { rss, meanShape, slope } = project(values, meanValue, of(a, b));
    return { a, scale: Math.exp(b), rss, curve: Array.from(shape, (f) => meanValue + slope * (f - meanShape)) };
  };
  const exponentialFit = (first: Box, parameters: number) => {
    const { a: onset, scale: tau, rss, curve } = fitted(delayed, first);
    return { bic: bic(rss, parameters), onset, done: (share: number) => onset - tau * Math.log(1 - share), curve };
  };
  const { a: midpoint, scale: unit, rss, curve } = fitted(rising, behind);
  // What lies before the first step was not seen to change: an upper half alone is a rise from there on.
  const before = 1 / (1 + Math.exp((midpoint - start) / unit));
  const logit = (level: number): number => Math.log(level / (1 - level));
  return {
    // Level, size and time constant, and the scatter; a plateau has its end too.
    exponential: exponentialFit({ lo: 0, hi: 0 }, 4),
    plateau: exponentialFit(within, 5),
    logistic: { bic: bic(rss, 5), done: (share) => midpoint + unit * logit(before + share * (1 - before)), curve },
  };
}

/** Fits take a while, and one course is asked for by several tables and claims. */
const known = new WeakMap<TrainingValue['curve'], ChangePoints>();

/** The change points of what a training's pictures were worth, fitted once. */
export function changeOf(curve: TrainingValue['curve']): ChangePoints {
  const found = known.get(curve) ?? changePoints({ steps: curve.steps, values: curve.perImage.map(mean) });
  known.set(curve, found);
  return found;
}

/** By how much a plateau explains a course better than gradual change does: BIC of the exponential minus that of the plateau. */
export const plateauEvidence = ({ exponential, plateau }: ChangePoints): number => exponential.bic - plateau.bic;

/** The better of the two models that have an onset. */
export const jumpFit = ({ plateau, logistic }: ChangePoints): Fit => (plateau.bic < logistic.bic ? plateau : logistic);

/** A rise in fidelity below which a training is not said to have come to follow its condition: the least that would be noticed. */
export const LEAST_RISE = 0.1;

/** When a training came to follow its condition. */
export interface HalfWay {
  /** The step at which half of its rise in fidelity is done; the last one where that lies behind it. */
  readonly step: number;
  /** Whether it was not half way by its end. */
  readonly isLater: boolean;
  /** Steps from a tenth to nine tenths of the rise; null where the run ends before nine tenths. */
  readonly width: number | null;
}

/**
 * When half of a training's rise in fidelity is done, by the better of the two models that have an onset. Null where fidelity did not rise
 * by {@link LEAST_RISE} within the run: what a fit says of when noise changes is arbitrary.
 */
export function halfWayOf(curve: TrainingValue['curve']): HalfWay | null {
  const { curve: fitted, done } = jumpFit(changeOf(curve));
  if (fitted.at(-1)! - fitted[0]! < LEAST_RISE) return null;
  const [, second] = curve.steps;
  const last = curve.steps.at(-1)!;
  return {
    step: Math.min(last, Math.max(second!, done(0.5))),
    isLater: done(0.5) > last,
    width: done(0.9) > last ? null : done(0.9) - done(0.1),
  };
}
