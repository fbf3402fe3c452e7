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

/**
 * Runs one of Slurm's programs.
 * @throws ExperimentError slurm-refused with what it said; slurm-missing where there is none
 */
async function slurm(program: string, argv: readonly string[]): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' });
    if (error !== undefined)
      throw new ExperimentError(
        'slurm-missing',
        `--launcher=slurm submits to a Slurm that is there: ${program} cannot be started here (${error.message}). --launcher=local computes on this machine.`,
        { program },
      );
    if (status === 0) return stdout;
    const said = stderr.trim() || `it ended with ${String(status)}`;
    if (attempt < TRIES && /Unable to contact slurm controller|Socket timed out|Connection refused/i.test(said)) await sleep(WAIT_MS);
    else throw new ExperimentError('slurm-refused', `${program}: ${said}`, { program, argv: [...argv], said });
  }
}

/** Elements that one array may have. */
export async function maxArraySize(): Promise<number> {
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(await slurm('scontrol', ['show', 'config']))?.[1]);
  // Its indices are below it.
  return Number.isInteger(size) && size > 1 ? size : 1001;
}

/** Submits a script. @returns the job's id */
export async function submit(
  script: string,
  { partition, time, memory, cpus, name }: SlurmOptions,
  more: readonly string[],
  argv: readonly string[] = [],
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
  const said = await slurm('sbatch', ['--parsable', ...given, ...more, script, ...argv]);
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

export const cancelJobs = async (ids: readonly string[]): Promise<void> => {
  if (ids.length > 0) await slurm('scancel', ids);
};
