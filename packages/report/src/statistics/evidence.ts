import { deviation, mean } from './interval.ts';
import { studentQuantile, upperTail } from './student-t.ts';
import type { VerdictRule } from './verdict.ts';

const POWER = 0.8;

/** What the trainings say about a rule: the direction in which they point, and its p-value. */
export interface Evidence {
  readonly p: number;
  readonly direction: 'for' | 'against';
}

const standardError = (samples: readonly number[]): number => deviation(samples) / Math.sqrt(samples.length);

/** Whether all samples are one number: its mean and scatter are known without rounding. */
const isConstant = (samples: readonly number[]): boolean => samples.every((sample) => sample === samples[0]);

/** One-sided p-values of "the mean lies above the bound" and "below it". Samples without scatter leave no doubt where they lie. */
const tails = (samples: readonly number[], bound: number): { above: number; below: number } => {
  if (isConstant(samples)) return { above: samples[0]! > bound ? 0 : 1, below: samples[0]! < bound ? 0 : 1 };
  const error = standardError(samples);
  const difference = mean(samples) - bound;
  const degrees = samples.length - 1;
  return { above: upperTail(difference / error, degrees), below: upperTail(-difference / error, degrees) };
};

/**
 * One-sample t-tests of a rule on one number a training (paired differences where arms are compared); at least two numbers.
 *
 * `above` and `below` are the two-sided test of "the mean is the bound" that ends in one of three decisions (Kaiser 1960): for, against,
 * neither. `within` is equivalence by two one-sided tests, of which the larger p counts (Schuirmann 1987): failing to find a difference
 * never counts as equality. Against it speaks a mean beyond either bound, its p doubled for the choice of the bound. "Within" and "not
 * within" cannot both be wrong, so nothing is paid for testing both. Its bounds are within: samples that are all one of them are too.
 */
export const evidence = (samples: readonly number[], rule: VerdictRule): Evidence => {
  if (rule.kind === 'within') {
    const [lower, upper] = [tails(samples, rule.lo), tails(samples, rule.hi)];
    const isWithin = isConstant(samples) && samples[0]! >= rule.lo && samples[0]! <= rule.hi;
    const inside = isWithin ? 0 : Math.max(lower.above, upper.below);
    const outside = Math.min(1, 2 * Math.min(lower.below, upper.above));
    return inside <= outside ? { p: inside, direction: 'for' } : { p: outside, direction: 'against' };
  }
  const { above, below } = tails(samples, rule.bound);
  const [agreeing, opposing] = rule.kind === 'above' ? [above, below] : [below, above];
  return { p: Math.min(1, 2 * Math.min(above, below)), direction: agreeing <= opposing ? 'for' : 'against' };
};

/** Holm's step-down correction: p-values that may each be held against the level of the whole family (Holm 1979). */
export const holm = (pValues: readonly number[]): number[] => {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted: number[] = Array(pValues.length).fill(1);
  let running = 0;
  order.forEach((i, rank) => {
    running = Math.max(running, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = running;
  });
  return adjusted;
};

/**
 * The smallest distance from a bound that a two-sided t-test at `level` shows four times in five: Cohen's approximation, the quantiles of
 * level and power in standard errors of the mean.
 */
export const detectable = (error: number, degrees: number, level: number): number =>
  (studentQuantile(1 - level / 2, degrees) + studentQuantile(POWER, degrees)) * error;

/** The same from the samples themselves. */
export const detectableOf = (samples: readonly number[], level: number): number =>
  detectable(standardError(samples), samples.length - 1, level);
