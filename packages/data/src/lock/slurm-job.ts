import { spawnSync } from 'node:child_process';

/** A job of a Slurm cluster, or an element of an array, in one of its runs: what is put back into the queue runs again under its number. */
export interface SlurmJob {
  readonly cluster: string;
  /** Its user's number: of others' jobs a queue may tell nothing. */
  readonly user: number;
  /** `123`, or `123_4` of an array. */
  readonly id: string;
  /** How often it had been started again when this run began. */
  readonly restarts: number;
}

/** Every process that waits for a lock asks, and the controller is one for the whole cluster. */
const ASK_AGAIN_MS = 30_000;
const TIMEOUT_MS = 20_000;

const userNumber = (): number => process.getuid?.() ?? -1;

/** The job that this process ends with; undefined where it runs in none. */
export function slurmJob(): SlurmJob | undefined {
  const env = process.env;
  // A shell of salloc has a job's variables too, but outlives it: what has a node's name was started by the node's daemon.
  if (env['SLURMD_NODENAME'] === undefined) return undefined;
  const [array, element] = [env['SLURM_ARRAY_JOB_ID'], env['SLURM_ARRAY_TASK_ID']];
  return checkedJob({
    cluster: env['SLURM_CLUSTER_NAME'],
    user: userNumber(),
    id: array === undefined || element === undefined ? env['SLURM_JOB_ID'] : `${array}_${element}`,
    restarts: Number(env['SLURM_RESTART_COUNT'] ?? 0),
  });
}

/** What a lock's file, or the environment, says of a job, where that is one. */
export function checkedJob(value: unknown): SlurmJob | undefined {
  const job = value as Partial<SlurmJob> | null | undefined;
  const isJob =
    typeof job?.cluster === 'string' &&
    Number.isSafeInteger(job.user) &&
    typeof job.id === 'string' &&
    /^\d+(_\d+)?$/.test(job.id) &&
    Number.isSafeInteger(job.restarts);
  return isJob ? (job as SlurmJob) : undefined;
}

const asked = new Map<string, { readonly at: number; readonly ended: boolean | null }>();

/** Whether that run of a job is over; null where this machine cannot tell. What is over is so for good, the rest is asked again later. */
export function hasEnded(job: SlurmJob): boolean | null {
  const key = JSON.stringify([job.cluster, job.user, job.id, job.restarts]);
  const before = asked.get(key);
  if (before !== undefined && (before.ended === true || performance.now() - before.at < ASK_AGAIN_MS)) return before.ended;
  const ended = ask(job);
  asked.set(key, { at: performance.now(), ended });
  return ended;
}

function ask({ cluster, user, id, restarts }: SlurmJob): boolean | null {
  const own = slurmJob();
  if (own?.cluster === cluster && own.id === id && restarts < own.restarts) return true;
  if (user !== userNumber() || cluster !== thisCluster()) return null;
  const { status, stdout, stderr } = run('squeue', ['--noheader', '--all', `--jobs=${id}`, '--Format=RestartCnt']);
  // It is forgotten some minutes after it has ended; until then the queue has nothing of it.
  if (status !== 0) return /Invalid job id specified/i.test(stderr) ? true : null;
  return stdout.trim() === '' || Number(stdout) > restarts;
}

let configured: string | undefined;
const thisCluster = (): string | undefined =>
  process.env['SLURM_CLUSTER_NAME'] ?? (configured ??= /^ClusterName\s*=\s*(\S+)/m.exec(run('scontrol', ['show', 'config']).stdout)?.[1]);

function run(program: string, argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  // What a user has set for their own squeue may hide jobs.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SQUEUE_')));
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8', timeout: TIMEOUT_MS, env });
  return error === undefined ? { status, stdout, stderr } : { status: null, stdout: '', stderr: '' };
}
