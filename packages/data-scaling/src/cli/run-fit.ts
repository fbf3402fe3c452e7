import path from 'node:path';
import { userPath } from '@controllab/command-line';
import { plainLines } from '@controllab/data';
import { checkReportFolder, currentCommit, formatDuration, machine, Progress, textTable, writeReport } from '@controllab/report';
import { DataScalingError } from '../errors.ts';
import { isoFlopFit, type IsoFlopFit } from '../fit/iso-flop.ts';
import {
  chinchillaLaw,
  differentSizes,
  fitLawInParts,
  kaplanLaw,
  offsetPowerLaw,
  onOneRay,
  powerLaw,
  type Fit,
  type Law,
  type Runs,
  type Variable,
} from '../fit/laws.ts';
import { residuals } from '../fit/log-sum-model.ts';
import { bootstrapInParts, type Bootstrap } from '../intervals/bootstrap.ts';
import { isUnbounded, profileInParts, type Interval } from '../intervals/profile.ts';
import { rolloutInParts, type Rollout } from '../intervals/rollout.ts';
import { fitReport, parameterTable } from './fit-report.ts';
import { FLOP_TOLERANCE, type FitFlags } from './fit.ts';
import { paced } from './paced.ts';
import { readRuns, type RunTable } from './read-runs.ts';

/** A law with everything that is told of it. */
export interface FittedLaw {
  readonly fit: Fit;
  /** null: not known, as the search has not converged or nothing is left of the losses. */
  readonly profile: Readonly<Record<string, Interval>> | null;
  readonly bootstrap: Bootstrap | null;
  readonly rollouts: readonly Rollout[];
}

/** What was made of a table of runs. */
export interface FitResult {
  readonly table: RunTable;
  /** What the runs are ordered by where small ones predict large ones. */
  readonly scale: Variable;
  readonly laws: readonly FittedLaw[];
  readonly isoFlop: IsoFlopFit | null;
  readonly notes: readonly string[];
}

/** Fits as the flags say and writes the report; gives the page's path. What cannot be read, or written to, is found first. */
export async function runFit(
  flags: FitFlags,
  command: string,
  { progress = new Progress(), say = saying }: { progress?: Progress; say?(text: string): void } = {},
): Promise<string> {
  const started = performance.now();
  const [overwrite, directory] = [flags.overwrite === true, userPath(flags.report)];
  await checkReportFolder(directory, { overwrite });
  const table = await readRuns(userPath(flags.csv), flags);
  const result = await fitAll(table, flags, progress);
  for (const note of [...table.notes, ...result.notes]) progress.end(`note: ${note}`);
  for (const law of result.laws) say(`\n${textTable(parameterTable(law))}`);
  const provenance = {
    commit: currentCommit(),
    profile: 'fit',
    configHash: null,
    weightsHash: null,
    datasetHash: null,
    engine: 'none',
    machine: machine(),
    wallSeconds: Math.round((performance.now() - started) / 100) / 10,
    finishedAt: new Date().toISOString(),
    command,
  };
  await writeReport(directory, fitReport(result, path.basename(flags.csv), provenance), { overwrite });
  return path.join(directory, 'index.html');
}

const saying = (text: string): void => void process.stdout.write(`${plainLines(text)}\n`);

/** Root mean square of log residuals below which they are rounding: losses in single precision are farther off. */
const NOTHING_LEFT = 1e-8;

/**
 * Every law whose variables the runs have, as far as there are runs enough. Signals are heard after each search.
 * @throws DataScalingError where none can be fitted; invalid-option for a tolerance of budgets that there are none of
 */
async function fitAll(
  table: RunTable,
  flags: Pick<FitFlags, 'delta' | 'leastSquares' | 'bootstrap' | 'seed' | 'flopTolerance'>,
  progress: Progress,
): Promise<FitResult> {
  const { runs } = table;
  const notes: string[] = [];
  /** What a fit refuses is a remark where another can be made. */
  const tried = async <T>(make: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof DataScalingError)) throw error;
      notes.push(`${error.message}.`);
      return null;
    }
  };
  const alone = onlyVariable(runs, notes);
  const scale = alone ?? (['C', 'D', 'N'] as const).find((variable) => runs[variable] !== undefined)!;
  const both = alone === null && runs.N !== undefined && runs.D !== undefined;
  if (!both && flags.flopTolerance !== FLOP_TOLERANCE)
    throw new DataScalingError(
      'invalid-option',
      `fit: --flop-tolerance is for isoFLOP budgets, which these runs have none of${notes.length === 0 ? ': that takes parameters and examples, or one of them and operations' : `. ${notes.join(' ')}`}`,
      { flopTolerance: flags.flopTolerance },
    );
  const laws: FittedLaw[] = [];
  for (const law of both ? [chinchillaLaw, kaplanLaw] : [powerLaw(scale), offsetPowerLaw(scale)]) {
    const fitted = await tried(() => fitOne(law, runs, runs[scale]!, flags, progress));
    if (fitted === null) continue;
    laws.push(fitted);
    notes.push(...doubtsOf(fitted));
  }
  if (laws.length === 0)
    throw new DataScalingError('too-few-runs', `no law can be fitted to these runs. ${[...notes, ...table.notes].join(' ')}`, {
      runs: runs.loss.length,
    });
  const isoFlop = both ? await tried(() => isoFlopFit(runs as Required<Runs>, flags.flopTolerance)) : null;
  const outside = isoFlop?.parabolas.filter(({ inside }) => !inside).length ?? 0;
  if (outside > 0)
    notes.push(
      `${outside} of ${isoFlop!.parabolas.length} isoFLOP parabolas have their minimum outside the models of their budget: ` +
        'they are left out of the powers of compute.',
    );
  return { table, scale, laws, isoFlop, notes };
}

/** The variable that alone tells runs apart that have parameters and examples; null where both do. */
function onlyVariable({ N, D }: Runs, notes: string[]): Variable | null {
  if (N === undefined || D === undefined) return null;
  const [sizes, lengths] = [differentSizes(N), differentSizes(D)];
  if (sizes > 1 && lengths > 1) {
    if (!onOneRay(N, D)) return null;
    notes.push(
      'D grows with N in all runs as one power of it, as along a compute-optimal line: what each of them does cannot be told apart, and the laws are those of C.',
    );
    return 'C';
  }
  if (sizes > 1 === lengths > 1) return null;
  const [same, differs] = sizes > 1 ? (['D', 'N'] as const) : (['N', 'D'] as const);
  notes.push(`All runs have the same ${same}: the laws are those of ${differs} alone.`);
  return differs;
}

/** A law's fit with its intervals and rollouts. */
async function fitOne(
  law: Law,
  runs: Runs,
  scale: Float64Array,
  { delta, leastSquares, bootstrap: resamples, seed }: Pick<FitFlags, 'delta' | 'leastSquares' | 'bootstrap' | 'seed'>,
  progress: Progress,
): Promise<FittedLaw> {
  const told = (what: string) => (done: number) => progress.update({ text: `${law.id}: ${what}, search ${done}`, done, total: null });
  const fit = await paced(fitLawInParts(law, runs, { delta: leastSquares === true ? Infinity : delta }), told('fit'));
  const known = fit.converged && !isExact(fit);
  const profile = known ? await paced(profileInParts(fit), told('profile intervals')) : null;
  // What is left of the bootstrap is estimated from its own pace.
  progress.end();
  const bootstrap =
    known && resamples > 0
      ? await paced(bootstrapInParts(fit, runs, { resamples, seed }), bootstrapProgress(law, resamples, progress))
      : null;
  const rollouts = await paced(rolloutInParts(fit, runs, scale), told('rollout'));
  progress.end();
  return { fit, profile, bootstrap, rollouts };
}

const isExact = ({ model, theta }: Fit): boolean =>
  Math.sqrt(residuals(model, theta).reduce((sum, r) => sum + r * r, 0) / model.target.length) < NOTHING_LEFT;

const exponentOf = (law: Law, variable: Variable): string => (law.id === chinchillaLaw.id && variable === 'D' ? 'beta' : 'alpha');

/** What a reader must know of a law's fit. */
function doubtsOf({ fit, profile, bootstrap }: FittedLaw): string[] {
  const doubts: string[] = [];
  const rising = fit.law.variables.filter((variable) => fit.parameters[exponentOf(fit.law, variable)]! < 0);
  if (fit.converged && fit.law.id !== kaplanLaw.id && rising.length > 0)
    doubts.push(
      `${fit.law.formula}: the loss rises with ${rising.join(' and ')}. Of an accuracy or another score give what is missing to its best value, as 1 - accuracy.`,
    );
  const open = profile === null ? [] : fit.law.names.filter((name) => isUnbounded(profile[name]!));
  if (open.length > 0) doubts.push(`${fit.law.formula}: the runs do not tell ${open.join(' and ')}.`);
  if (!fit.converged)
    doubts.push(`${fit.law.formula}: the search has not converged; its parameters are where it stopped, and have no intervals.`);
  else if (isExact(fit)) doubts.push(`${fit.law.formula}: the losses follow it exactly, so nothing tells its intervals.`);
  if (bootstrap !== null && bootstrap.unidentified > 0)
    doubts.push(
      `${fit.law.formula}: ${bootstrap.unidentified} of ${bootstrap.resamples} resamples do not identify it, and are left out of its intervals.`,
    );
  return doubts;
}

const PACE_AFTER_MS = 2000;
const LONG_SECONDS = 60;

/** Shows the bootstrap's progress and, once its pace is known, says what it costs where that is more than a minute. */
function bootstrapProgress({ id }: Law, resamples: number, progress: Progress): (done: number) => void {
  const started = performance.now();
  let paceKnown = false;
  return (done) => {
    const elapsed = performance.now() - started;
    if (!paceKnown && elapsed >= PACE_AFTER_MS) {
      paceKnown = true;
      const seconds = (elapsed / 1000 / done) * resamples;
      if (seconds > LONG_SECONDS)
        progress.message(
          `${id}: ${resamples} bootstraps take about ${formatDuration(seconds)} here; --bootstrap takes a smaller number, 0 for none`,
        );
    }
    progress.update({ text: `${id}: resample ${done} of ${resamples}`, done, total: resamples });
  };
}
