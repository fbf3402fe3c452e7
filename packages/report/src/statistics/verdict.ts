import type { Claim, ClaimResult } from '../model/report.ts';
import { deviation, mean, studentCdf, studentQuantile } from './interval.ts';

/** What a claim predicts about a measured quantity. Bounds are least effects of interest, in the quantity's own unit. */
export type VerdictRule =
  | { readonly kind: 'above'; readonly bound: number }
  | { readonly kind: 'below'; readonly bound: number }
  | { readonly kind: 'within'; readonly lo: number; readonly hi: number };

export type Verdict = 'reproduced' | 'not reproduced' | 'inconclusive' | 'not judged';

/**
 * The unit of a claim about trained networks is the training. With fewer there are numbers, but no verdict: one seed gave opposite ones on
 * two processors.
 */
export const MIN_TRAININGS = 5;
const LEVEL = 0.05;
const POWER = 0.8;

/** What the trainings say about a rule: the two-sided p-value of the direction in which they point. */
export interface Evidence {
  readonly p: number;
  readonly direction: 'for' | 'against';
}

/**
 * P(mean of samples lies further up) under a true mean of `bound`, and its complement: one-sided p-values against "at most" and "at least".
 */
function tails(samples: readonly number[], bound: number): { above: number; below: number } {
  const error = deviation(samples) / Math.sqrt(samples.length);
  const difference = mean(samples) - bound;
  if (error === 0) return { above: difference > 0 ? 0 : 1, below: difference < 0 ? 0 : 1 };
  const share = studentCdf(difference / error, samples.length - 1);
  return { above: 1 - share, below: share };
}

/**
 * One-sample t-tests of a rule on one number a training (paired differences where arms are compared). One-sided rules end in one of three
 * decisions (Kaiser 1960); `within` is equivalence by two one-sided tests (Schuirmann 1987): failing to find a difference never counts as
 * equality.
 */
export function evidence(samples: readonly number[], rule: VerdictRule): Evidence {
  const oneSided = (): { against: number; forIt: number } => {
    if (rule.kind === 'within') {
      const [lower, upper] = [tails(samples, rule.lo), tails(samples, rule.hi)];
      return { forIt: Math.max(lower.above, upper.below), against: Math.min(lower.below, upper.above) };
    }
    const { above, below } = tails(samples, rule.bound);
    return rule.kind === 'above' ? { forIt: above, against: below } : { forIt: below, against: above };
  };
  const { forIt, against } = oneSided();
  return { p: Math.min(1, 2 * Math.min(forIt, against)), direction: forIt <= against ? 'for' : 'against' };
}

/** Holm's step-down correction: p-values that may each be held against the level of the whole family (Holm 1979). */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted: number[] = Array(pValues.length).fill(1);
  let running = 0;
  order.forEach((i, rank) => {
    running = Math.max(running, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = running;
  });
  return adjusted;
}

/** What the verdict on one result rests on. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Trainings behind it; null for facts and timings. */
  readonly trainings: number | null;
  readonly p: number | null;
  /** Corrected for the number of primary results; p itself for exploratory ones. */
  readonly adjusted: number | null;
  /** The smallest distance from the bound that trainings with this scatter would have shown four times in five. */
  readonly detectable: number | null;
}

const UNJUDGED = { p: null, adjusted: null, detectable: null };

const holds = (value: number, rule: VerdictRule): boolean =>
  rule.kind === 'above' ? value > rule.bound : rule.kind === 'below' ? value < rule.bound : value >= rule.lo && value <= rule.hi;

/** By the interval alone: for repeated timings, whose scatter is the machine's. */
function byInterval(interval: readonly [number, number] | null, rule: VerdictRule): Verdict {
  if (interval === null) return 'inconclusive';
  const [lo, hi] = interval;
  switch (rule.kind) {
    case 'above':
      return lo > rule.bound ? 'reproduced' : hi <= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'below':
      return hi < rule.bound ? 'reproduced' : lo >= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'within':
      return lo >= rule.lo && hi <= rule.hi ? 'reproduced' : hi < rule.lo || lo > rule.hi ? 'not reproduced' : 'inconclusive';
  }
}

const trainingsOf = ({ measured }: ClaimResult): readonly number[] => measured?.perTraining ?? [];

/**
 * The judgements of a report's claims, by claim and result: facts exactly, timings by their intervals, trained networks by t-tests on one
 * number a training. All primary results are one family, held to an error of 5% together by Holm's correction; exploratory ones are not
 * corrected, and are called so.
 */
export function judge(claims: readonly Claim[]): readonly (readonly Judgement[])[] {
  const family = claims.flatMap(({ basis, primary, rule, results }) =>
    basis === 'trainings' && primary
      ? results
          .filter((result) => trainingsOf(result).length >= MIN_TRAININGS)
          .map((result) => ({ result, ...evidence(trainingsOf(result), rule) }))
      : [],
  );
  const corrected = holm(family.map(({ p }) => p));
  const adjustedOf = new Map(family.map(({ result }, i) => [result, corrected[i]!]));
  const judgeOne = ({ basis, primary, rule }: Claim, result: ClaimResult): Judgement => {
    const { measured } = result;
    const trainings = basis === 'trainings' ? trainingsOf(result).length : null;
    if (measured === null) return { verdict: 'not judged', trainings, ...UNJUDGED };
    if (basis === 'fact') return { verdict: holds(measured.value, rule) ? 'reproduced' : 'not reproduced', trainings, ...UNJUDGED };
    if (basis === 'rounds') return { verdict: byInterval(measured.interval, rule), trainings, ...UNJUDGED };
    const samples = trainingsOf(result);
    if (samples.length < MIN_TRAININGS) return { verdict: 'not judged', trainings, ...UNJUDGED };
    const { p, direction } = evidence(samples, rule);
    const adjusted = adjustedOf.get(result) ?? p;
    const verdict = adjusted >= LEVEL ? 'inconclusive' : direction === 'for' ? 'reproduced' : 'not reproduced';
    return { verdict, trainings, p, adjusted, detectable: detectableOf(samples, primary ? LEVEL / family.length : LEVEL) };
  };
  return claims.map((claim) => claim.results.map((result) => judgeOne(claim, result)));
}

/** Cohen's approximation: the quantiles of level and power, in standard errors. */
function detectableOf(samples: readonly number[], level: number): number {
  const degrees = samples.length - 1;
  const errors = studentQuantile(1 - level / 2, degrees) + studentQuantile(POWER, degrees);
  return (errors * deviation(samples)) / Math.sqrt(samples.length);
}
