import {
  chinchillaLaw,
  DataScalingError,
  fitLaw,
  powerLaw,
  predictRuns,
  type Fit,
  type Law,
  type Prediction,
  type Runs,
} from '@controllab/data-scaling';
import type { MemberKey, MemberValue } from './train-member.ts';

/** A training of the family and what came of it. */
export interface MemberRun extends MemberKey {
  readonly value: MemberValue;
  readonly finishedAt: string;
}

/** Runs as laws take them: parameters, scenes seen, operations, held-out loss. */
export function runsOf(runs: readonly MemberRun[]): Required<Runs> {
  const of = (field: keyof MemberValue) => Float64Array.from(runs, ({ value }) => value[field]);
  return { N: of('parameters'), D: of('samples'), C: of('flops'), loss: of('loss') };
}

/** Runs that no run of as many operations or fewer is as good as: the frontier of loss over compute. */
export const frontierOf = <R extends { readonly value: Pick<MemberValue, 'flops' | 'loss'> }>(runs: readonly R[]): R[] =>
  runs.filter((run) => !runs.some((other) => other !== run && other.value.flops <= run.value.flops && other.value.loss <= run.value.loss));

/** One run for all seeds of a width and length, with their mean loss: a frontier of single runs would take the lucky ones. */
function overSeeds(runs: readonly MemberRun[]): MemberRun[] {
  const first = new Map(runs.toReversed().map((run) => [`${run.width} ${run.steps}`, run]));
  return [...first.values()].map((run) => {
    const same = runs.filter(({ width, steps }) => width === run.width && steps === run.steps);
    return { ...run, value: { ...run.value, loss: same.reduce((sum, { value }) => sum + value.loss, 0) / same.length } };
  });
}

/** A law by least squares of logarithms; null where the runs are too few for it or all alike. */
export function fitted(law: Law, runs: Runs): Fit | null {
  try {
    return fitLaw(law, runs, { delta: Infinity });
  } catch (error) {
    if (error instanceof DataScalingError) return null;
    throw error;
  }
}

/** The powers of parameters, scenes and operations, each along its own runs, and the law of the first two. */
export function lawsOf(grid: readonly MemberRun[]): { what: string; fit: Fit | null }[] {
  const longest = Math.max(...grid.map(({ steps }) => steps));
  const widest = Math.max(...grid.map(({ width }) => width));
  return [
    { what: 'parameters, longest runs', fit: fitted(powerLaw('N'), runsOf(grid.filter(({ steps }) => steps === longest))) },
    { what: 'scenes, largest model', fit: fitted(powerLaw('D'), runsOf(grid.filter(({ width }) => width === widest))) },
    { what: 'operations, frontier', fit: fitted(powerLaw('C'), runsOf(frontierOf(overSeeds(grid)))) },
    { what: 'parameters and scenes', fit: fitted(chinchillaLaw, runsOf(grid)) },
  ];
}

/** What the law of the grid says of a larger run, the mean of `replicates` of it; null where the grid is too small for the law. */
export function foretellLarger(
  grid: readonly MemberRun[],
  { parameters, samples, replicates }: { parameters: number; samples: number; replicates: number },
): Prediction | null {
  const runs = runsOf(grid);
  const fit = fitted(chinchillaLaw, runs);
  return fit === null ? null : predictRuns(fit, runs, { N: parameters, D: samples }, { level: 0.9, replicates });
}
