import { fitRidge } from '@controllab/data-scaling';
import type { TrainingValue } from '../../compute/training/train.ts';
import { halfWayOf } from './change-points.ts';
import { mean } from '../view.ts';

type Course = TrainingValue['curve'];

/** A training whose jump is to be foretold, or is known. */
export interface Run {
  /** Those of one group differ in their seed alone. */
  readonly group: string;
  readonly course: Course;
  readonly samplesPerStep: number;
}

/** What is looked at: the loss alone, or what goes on inside too. */
export const SEEN = ['loss', 'signals'] as const;
export type Seen = (typeof SEEN)[number];

/** Binary logarithm of the samples at which half of the rise in fidelity is done; of all samples where it never rose. */
export const jumpOf = ({ course, samplesPerStep }: Run): number =>
  Math.log2(samplesPerStep * (halfWayOf(course)?.step ?? course.steps.at(-1)!));

/**
 * What a run looks like when it has seen so many samples, from its last evaluation before that: held-out loss without and with a prompt and
 * how far each has fallen; with `signals` the logarithms of what is inside, and how fast the control's part has grown since the first
 * evaluation behind the start.
 */
export function featuresOf({ course, samplesPerStep }: Run, seen: Seen, samples: number): number[] {
  const { steps, heldOut, signals } = course;
  const last = steps.findLastIndex((step) => step * samplesPerStep <= samples);
  if (last < 1) throw new RangeError(`no evaluation behind the first step within ${samples} samples`);
  const loss = (['none', 'perfect'] as const).flatMap((prompt) => {
    const at = (k: number): number => mean(heldOut![prompt][k]!);
    return [at(last), at(last) - at(0)];
  });
  if (seen === 'loss') return loss;
  const log = (id: keyof NonNullable<Course['signals']>, k: number): number => Math.log(Math.max(signals![id][k]!, Number.MIN_VALUE));
  const growth = last === 1 ? 0 : (log('residual', last) - log('residual', 1)) / Math.log(steps[last]! / steps[1]!);
  const inside = (['connections', 'residual', 'gradient'] as const).map((id) => log(id, last));
  return [...loss, ...inside, log('momentum', last) - log('gradient', last), growth];
}

/** What is foretold of some runs from what came of others. */
export interface Foresight {
  /** Binary logarithm of samples, run by run. */
  readonly jumps: Readonly<Record<Seen, readonly number[]>>;
  /** The mean of what is known: what one says who looks at nothing. */
  readonly nothing: number;
  /** Mean absolute error on known groups that were left out. */
  readonly leftOut: Readonly<Record<Seen, number>>;
}

/** Foretells the jumps of runs from what they look like after so many samples, by ridge regression on runs whose jumps are known. */
export function foresee(known: readonly Run[], runs: readonly Run[], samples: number): Foresight {
  const came = known.map(jumpOf);
  const bySeen = SEEN.map((seen) => {
    const fit = fitRidge(
      known.map((run) => featuresOf(run, seen, samples)),
      came,
      known.map(({ group }) => group),
    );
    return { seen, jumps: runs.map((run) => fit.predict(featuresOf(run, seen, samples))), leftOut: fit.leftOutError };
  });
  return {
    jumps: Object.fromEntries(bySeen.map(({ seen, jumps }) => [seen, jumps])) as Record<Seen, number[]>,
    nothing: mean(came),
    leftOut: Object.fromEntries(bySeen.map(({ seen, leftOut }) => [seen, leftOut])) as Record<Seen, number>,
  };
}
