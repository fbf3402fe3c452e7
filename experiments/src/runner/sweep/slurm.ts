import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExperimentError } from '../errors.ts';

/** What every job of a sweep asks of the cluster. */
export interface SlurmOptions {
  readonly partition?: string;
  /** As sbatch has it: minutes, hours:minutes:seconds, days-hours. */
  readonly time?: string;
  /** Of a task, as sbatch has it: 4G. */
  readonly memory?: string;
  readonly cpus: number;
  readonly name: string;
}

/** One job, or one element of an array, as the queue has it. */
export interface QueuedJob {
  readonly id: string;
  /** Of an array; null: a job by itself. */
  readonly index: number | null;
  readonly state: string;
}

/** A controller that is started again answers after seconds: a sweep does not end for it. */
const TRIES = 45;
const WAIT_MS = 2000;

/** What squeue says of a sweep of a hundred thousand elements. */
const MAX_OUTPUT = 2 ** 28;

/**
 * Of the job that we run in: sbatch would hand it on, and a job would take its number of restarts, or its place in an array, for its own.
 */
const OF_OUR_JOB = new Set(['SLURM_RESTART_COUNT', 'SLURM_ARRAY_JOB_ID', 'SLURM_ARRAY_TASK_ID']);

/**
 * Runs one of Slurm's programs, again where the controller does not answer.
 * @param taken asked before each further try: what the program would have said, where the controller did what it was asked to but its
 *   answer came too late
 * @throws ExperimentError slurm-refused with what it said; slurm-missing where there is none
 */
async function slurm(program: string, argv: readonly string[], taken: () => Promise<string | null> = async () => null): Promise<string> {
  // What a user has set for their own squeue may hide jobs.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_OUR_JOB.has(name) && !name.startsWith('SQUEUE_')));
  for (let attempt = 1; ; attempt++) {
    const { status, signal, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8', maxBuffer: MAX_OUTPUT, env });
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (error !== undefined && (code === 'ENOENT' || code === 'EACCES'))
      throw new ExperimentError(
        'slurm-missing',
        `--launcher=slurm submits to a Slurm that is there: ${program} cannot be started here (${error.message}). --launcher=local computes on this machine.`,
        { program },
      );
    if (status === 0 && error === undefined) return stdout;
    const said = error?.message ?? (stderr.trim() || `it ended with ${signal ?? `code ${status}`}`);
    if (attempt === TRIES || !PASSING.test(said))
      throw new ExperimentError('slurm-refused', `${program}: ${said}`, { program, argv: [...argv], said });
    await sleep(WAIT_MS);
    const late = await taken();
    if (late !== null) return late;
  }
}

/** What Slurm's programs say while a controller is restarted or busy, before, in the middle of and after a request. */
const PASSING =
  /Unable to contact slurm controller|Socket timed out|Connection (refused|reset|timed out)|Zero Bytes were transmitted|Transport endpoint is not connected|Protocol authentication error|Broken pipe/i;

/** Elements that one array may have, by what `scontrol show config` says; 0 where the cluster takes no arrays. */
export function arraySize(config: string): number {
  const of = (pattern: RegExp): number | null => {
    const said = pattern.exec(config)?.[1];
    return said === undefined ? null : Number(said);
  };
  // Indices are below it: as many as it says, from 0 on.
  return Math.min(of(/^MaxArraySize\s*=\s*(\d+)/m) ?? 1001, of(/^SchedulerParameters\s*=.*\bmax_array_tasks=(\d+)/m) ?? Infinity);
}

/** Elements that one array may have. @throws ExperimentError slurm-refused where the cluster takes no arrays */
export async function maxArraySize(): Promise<number> {
  const size = arraySize(await slurm('scontrol', ['show', 'config']));
  if (size === 0)
    throw new ExperimentError(
      'slurm-refused',
      'This cluster takes no job arrays (its slurm.conf says MaxArraySize=0 or max_array_tasks=0), and a sweep is made of them: ' +
        '--launcher=local computes in one job, on its node.',
      {},
    );
  return size;
}

/** A path as sbatch reads those of logs, where % begins what it puts in. */
export const logPath = (file: string): string => file.replaceAll('%', '%%');

/**
 * Submits a script.
 * @param known ids of jobs of that name that have been submitted before: another one in the queue is this one
 * @returns the job's id
 */
export async function submit(
  script: string,
  { partition, time, memory, cpus, name }: SlurmOptions,
  more: readonly string[],
  { argv = [], known }: { argv?: readonly string[]; known: ReadonlySet<string> },
): Promise<string> {
  const given = [
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(time === undefined ? [] : [`--time=${time}`]),
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    `--cpus-per-task=${cpus}`,
    `--job-name=${name}`,
    '--requeue',
    '--open-mode=append',
  ];
  const taken = async (): Promise<string | null> => (await queued(name)).find(({ id }) => !known.has(id))?.id ?? null;
  const said = await slurm('sbatch', ['--parsable', ...given, ...more, script, ...argv], taken);
  return said.trim().split(';')[0]!;
}

/** What lets a job that was submitted with --hold run when all of the others have ended, however they ended. */
export const releasingAfter = (id: string, others: readonly string[]): (readonly string[])[] => [
  ...(others.length > 0 ? [['update', `JobId=${id}`, `Dependency=afterany:${others.join(':')}`]] : []),
  ['release', id],
];

/** Does what {@link releasingAfter} says. */
export async function releaseAfter(id: string, others: readonly string[]): Promise<void> {
  for (const argv of releasingAfter(id, others)) await slurm('scontrol', argv);
}

/** What the queue still has of a user's jobs of that name: pending, running, or ending. */
export async function queued(name: string): Promise<QueuedJob[]> {
  const said = await slurm('squeue', ['--noheader', '--array', '--me', `--name=${name}`, '--format=%F %K %T']);
  return said
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [id, index, state] = line.trim().split(/\s+/) as [string, string, string];
      return { id, index: /^\d+$/.test(index) ? Number(index) : null, state };
    });
}

/** What Slurm says of jobs that their user, or `--hold`, keeps from running. */
export const HELD_BY_USER = 'JobHeldUser';

/** Whether a job in the queue is held by its user. */
export const isHeld = async (id: string): Promise<boolean> =>
  (await slurm('squeue', ['--noheader', `--jobs=${id}`, '--format=%r'])).trim() === HELD_BY_USER;

/** What Slurm says of jobs and elements that it does not start again by itself, since a node failed as it started them. */
export const HELD_AFTER_FAILURE = /launch.failed.requeued.held/i;

/** Lets jobs of that name run again that Slurm holds after a failure of a node; what a person holds stays held. @returns how many */
export async function releaseHeld(name: string): Promise<number> {
  const said = await slurm('squeue', ['--noheader', '--array', '--me', `--name=${name}`, '--format=%i|%r']);
  const held = said.split('\n').flatMap((line) => (HELD_AFTER_FAILURE.test(line) ? [line.split('|')[0]!.trim()] : []));
  for (const id of held) await slurm('scontrol', ['release', id]);
  return held.length;
}

/** Takes jobs out of the queue, those of them that it still has. */
export async function cancelJobs(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  try {
    await slurm('scancel', ids);
  } catch (error) {
    const said = error instanceof ExperimentError && error.code === 'slurm-refused' ? String(error.values['said']).split('\n') : [''];
    // Some may have ended since they were looked for.
    if (!said.every((line) => /Invalid job id specified|already comple/i.test(line))) throw error;
  }
}
