import type { Claim, ClaimResult } from '../model/report.ts';
import { detectable, detectableOf, evidence, holm } from './evidence.ts';
import { studentQuantile } from './student-t.ts';
import { factVerdict, intervalVerdict, type Verdict } from './verdict.ts';

/**
 * The unit of a claim about trained networks is the training. With fewer there are numbers, but no verdict: one seed gave opposite ones on
 * two processors.
 */
export const MIN_TRAININGS = 5;
/** Probability of a wrong decision that is accepted: for all primary results together, and for each exploratory one. */
export const LEVEL = 0.05;

/**
 * What a run of so many trainings an arm can be expected to see: the smallest distances from a bound that it shows four times in five if
 * paired differences scatter with this standard deviation, for a result alone and under the first step of Holm's correction over `family`
 * results. Null where there are too few trainings for a verdict.
 */
export function expectedPower(scatter: number, trainings: number, family: number): { alone: number; first: number } | null {
  if (trainings < MIN_TRAININGS) return null;
  const error = scatter / Math.sqrt(trainings);
  return { alone: detectable(error, trainings - 1, LEVEL), first: detectable(error, trainings - 1, LEVEL / family) };
}

/** What the verdict on one result rests on. */
export interface Judgement {
  readonly verdict: Verdict;
  /** The verdict, or why there is none: "not judged: 1 training". */
  readonly text: string;
  /** Trainings behind it; null for facts and timings. */
  readonly trainings: number | null;
  readonly p: number | null;
  /** Corrected for the number of primary results; p itself for exploratory ones. */
  readonly adjusted: number | null;
  /** How many results the correction is for; null where there is none. */
  readonly family: number | null;
  /** Of an open verdict: the smallest distance from a bound that samples with this scatter would have shown four times in five. */
  readonly detectable: number | null;
}

const NO_TEST = { trainings: null, p: null, adjusted: null, family: null, detectable: null };
const trainingsOf = ({ measured }: ClaimResult): readonly number[] => measured?.perTraining ?? [];
const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const verdictOnly = (verdict: Verdict): Judgement => ({ ...NO_TEST, verdict, text: verdict });
const notJudged = (reason: string): Judgement => ({ ...NO_TEST, verdict: 'not judged', text: `not judged: ${reason}` });

/** Half an interval is Student's quantile in standard errors: the rounds' scatter is read off it. */
function judgeRounds(rule: Claim['rule'], { interval, n }: NonNullable<ClaimResult['measured']>): Judgement {
  if (interval === null) return notJudged(counted(n, 'round'));
  const judged = verdictOnly(intervalVerdict(interval, rule));
  if (judged.verdict !== 'inconclusive') return judged;
  const error = (interval[1] - interval[0]) / 2 / studentQuantile(1 - LEVEL / 2, n - 1);
  return { ...judged, detectable: detectable(error, n - 1, LEVEL) };
}

/** The primary results on trainings: one family, of which what could not be tested is a member too. */
class Family {
  readonly #adjusted: ReadonlyMap<ClaimResult, number>;
  /** What Holm's procedure held the results against that it did not decide. */
  readonly level: number;

  constructor(claims: readonly Claim[]) {
    const members = claims
      .filter(({ basis, primary }) => basis === 'trainings' && primary)
      .flatMap(({ rule, results }) => results.map((result) => ({ rule, result, samples: trainingsOf(result) })));
    const adjusted = holm(members.map(({ rule, samples }) => (samples.length < MIN_TRAININGS ? 1 : evidence(samples, rule).p)));
    this.#adjusted = new Map(members.map(({ result }, i) => [result, adjusted[i]!]));
    this.level = LEVEL / Math.max(1, adjusted.filter((p) => p > LEVEL).length);
  }

  get size(): number {
    return this.#adjusted.size;
  }

  adjusted(result: ClaimResult): number {
    return this.#adjusted.get(result)!;
  }
}

function judgeTrainings({ rule, primary }: Claim, result: ClaimResult, family: Family): Judgement {
  const samples = trainingsOf(result);
  const trainings = samples.length;
  if (trainings < MIN_TRAININGS) return { ...notJudged(counted(trainings, 'training')), trainings };
  const { p, direction } = evidence(samples, rule);
  const adjusted = primary ? family.adjusted(result) : p;
  const verdict = adjusted > LEVEL ? 'inconclusive' : direction === 'for' ? 'reproduced' : 'not reproduced';
  return {
    verdict,
    text: verdict,
    trainings,
    p,
    adjusted,
    family: primary ? family.size : null,
    detectable: verdict === 'inconclusive' ? detectableOf(samples, primary ? family.level : LEVEL) : null,
  };
}

/**
 * The judgements of a report's claims, by claim and result: facts exactly, timings by their intervals, trained networks by t-tests on one
 * number a training. All primary results are one family, held to an error of 5% together by Holm's correction; exploratory ones are not
 * corrected, and are called so.
 */
export function judge(claims: readonly Claim[]): readonly (readonly Judgement[])[] {
  const family = new Family(claims);
  const judgeOne = (claim: Claim, result: ClaimResult): Judgement => {
    const { basis, rule } = claim;
    const { measured } = result;
    if (measured === null) return { ...notJudged('not measured'), trainings: basis === 'trainings' ? 0 : null };
    if (basis === 'fact') return verdictOnly(factVerdict(measured.value, measured.interval, rule));
    return basis === 'rounds' ? judgeRounds(rule, measured) : judgeTrainings(claim, result, family);
  };
  return claims.map((claim) => claim.results.map((result) => judgeOne(claim, result)));
}
