import path from 'node:path';
import { userPath } from '@controllab/command-line';
import { plainLines } from '@controllab/data';
import { checkReportFolder, currentCommit, machine, Progress, textTable, writeReport } from '@controllab/report';
import { DataScalingError } from '../errors.ts';
import { isoFlopFit, type IsoFlopFit } from '../fit/iso-flop.ts';
import { chinchillaLaw, fitLaw, kaplanLaw, offsetPowerLaw, powerLaw, type Fit, type Law, type Runs, type Variable } from '../fit/laws.ts';
import { bootstrap, type Bootstrap } from '../intervals/bootstrap.ts';
import { profileIntervals, type Interval } from '../intervals/profile.ts';
import { rollout, type Rollout } from '../intervals/rollout.ts';
import { fitReport, parameterTable } from './fit-report.ts';
import type { FitFlags } from './fit.ts';
import { readRuns, type RunTable } from './read-runs.ts';

/** A law with everything that is told of it. */
export interface FittedLaw {
  readonly fit: Fit;
  readonly profile: Readonly<Record<string, Interval>>;
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
  const result = fitAll(table, flags, (text, done, total) => progress.update({ text, done, total }));
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

/** Every law whose variables the runs have, as far as there are runs enough. @throws DataScalingError where none can be fitted */
export function fitAll(
  table: RunTable,
  flags: Pick<FitFlags, 'delta' | 'leastSquares' | 'bootstrap' | 'seed' | 'flopTolerance'>,
  onProgress: (text: string, done: number, total: number) => void,
): FitResult {
  const { runs } = table;
  const scale = (['C', 'D', 'N'] as const).find((variable) => runs[variable] !== undefined)!;
  const notes: string[] = [];
  /** What a fit refuses is a remark where another can be made. */
  const tried = <T>(make: () => T): T | null => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof DataScalingError)) throw error;
      notes.push(`${error.message}.`);
      return null;
    }
  };
  const both = runs.N !== undefined && runs.D !== undefined;
  const candidates: Law[] = both ? [chinchillaLaw, kaplanLaw] : [powerLaw(scale), offsetPowerLaw(scale)];
  const laws = candidates.flatMap((law) => {
    const fit = tried(() => fitLaw(law, runs, { delta: flags.leastSquares === true ? Infinity : flags.delta }));
    if (fit === null) return [];
    if (!fit.converged) notes.push(`${law.formula}: the search has not converged; its parameters are where it stopped.`);
    const resamples =
      flags.bootstrap === 0
        ? null
        : bootstrap(fit, runs, {
            resamples: flags.bootstrap,
            seed: flags.seed,
            onResample: (done) => onProgress(`${law.id}: resample ${done} of ${flags.bootstrap}`, done, flags.bootstrap),
          });
    return [{ fit, profile: profileIntervals(fit), bootstrap: resamples, rollouts: rollout(fit, runs, runs[scale]!) }];
  });
  if (laws.length === 0)
    throw new DataScalingError('too-few-runs', `no law can be fitted to these runs. ${notes.join(' ')}`, { runs: runs.loss.length });
  const isoFlop = both ? tried(() => isoFlopFit(runs as Required<Runs>, flags.flopTolerance)) : null;
  return { table, scale, laws, isoFlop, notes };
}
