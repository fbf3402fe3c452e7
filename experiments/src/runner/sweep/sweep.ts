import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { shellText } from '@controllab/command-line';
import { heldText, Lock, sha256, writeAtomic } from '@controllab/data';
import { ExperimentError } from '../errors.ts';
import type { Task } from '../job.ts';
import { goesOn, nextRound } from './plan.ts';
import {
  cancelJobs,
  HELD_BY_USER,
  isHeld,
  logPath,
  maxArraySize,
  queued,
  releaseAfter,
  releaseHeld,
  releasingAfter,
  submit,
  type QueuedJob,
  type SlurmOptions,
} from './slurm.ts';

/**
 * What every task does at its end: a controller that is killed forgets what it was told in its last seconds, such as that the job behind
 * the round may run. Where it is killed as the last tasks end, the same command given again tells it.
 */
const releaseScript = (reduce: string, others: readonly string[]): string => `#!/bin/bash
if [ "$(squeue --noheader --jobs=${reduce} --format=%r 2> /dev/null)" = ${HELD_BY_USER} ]; then
${releasingAfter(reduce, others)
  .map((argv) => `  scontrol ${shellText(argv)}\n`)
  .join('')}fi
`;

/** One array: its elements are tasks `first`, `first + 1`, ... of its round. */
interface ArrayJob {
  readonly id: string;
  readonly first: number;
  readonly count: number;
}

/** What was submitted at one time: arrays, and the job that looks at what came of them. */
interface Round {
  /** Those of the arrays, in their order. */
  readonly tasks: string[];
  readonly arrays: ArrayJob[];
  readonly reduce: string;
  /** Whether a person began it: failures of earlier rounds are then tried again. */
  readonly begins: boolean;
}

/** What a sweep keeps in the store: everything else is asked of the store's cells and of the queue. */
interface SweepRecord {
  readonly job: string;
  /** The job's command line without --only, --list and --reduce, from which the sweep is resumed. */
  readonly argv: readonly string[];
  readonly directory: string;
  /** See {@link environmentOf}: of the command that a person gave. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly rounds: Round[];
}

/** What decides of an environment where jobs run and how their memory is kept: sbatch's own options, and glibc's settings. */
const environmentOf = (all: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (/^(SBATCH|MALLOC)_/.test(name) ? [[name, value!]] : [])));

export interface SweepOptions extends Omit<SlurmOptions, 'name'> {
  /** Jobs and elements that the sweep may have in the queue at a time. */
  readonly maxSubmitted?: number;
}

/** What a sweep is submitted with. */
interface Given {
  readonly job: string;
  /** The job's command line, as {@link SweepRecord} keeps it. */
  readonly argv: readonly string[];
  readonly program: readonly string[];
  readonly options: SweepOptions;
}

const STORE = '--store=';

/** Lines of a log that a message repeats, and tasks that it names. */
const TAIL = 6;
const NAMED = 10;

/** Who has the sweep's lock is submitting, and may itself be waiting for the controller. */
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 1000;
/** Jobs that are cancelled leave the queue, or stand in it as ending, within seconds. */
const CANCEL_WAIT_MS = 500;
const CANCEL_TRIES = 120;
/** What Slurm is ending: nothing is left to cancel. */
const ENDING = 'COMPLETING';

/** The shell's own for a program that it cannot start; above are those of signals and stops. */
const NOT_STARTED = [126, 127];

const RECORD = 'sweep.json';
const ID = 'id';
const folderOf = (storeRoot: string): string => path.join(storeRoot, 'sweeps');

/**
 * The tasks of a job on a Slurm cluster: rounds of job arrays, each followed by a job that continues, reports, or says what is missing. Its
 * folder in the store, on a file system that all nodes share, is the only state; no process of it waits anywhere.
 */
export class Sweep {
  readonly directory: string;
  readonly name: string;

  constructor(storeRoot: string, name: string) {
    this.name = name;
    this.directory = path.join(folderOf(storeRoot), name);
  }

  /** The sweep of a job's command line: the same words again, in any order, are the same sweep, wherever its store lies by then. */
  static of(storeRoot: string, job: string, identity: readonly string[]): Sweep {
    return new Sweep(storeRoot, `${job}-${sha256(JSON.stringify(identity.filter((word) => !word.startsWith(STORE)).sort())).slice(0, 10)}`);
  }

  /**
   * What its jobs are called: sweeps of one command in two stores are two, and neither may take the other's jobs for lost ones of its
   * own. A store that is moved keeps it; sweeps of before had their name alone.
   */
  get jobName(): string {
    const file = path.join(this.directory, ID);
    return existsSync(file) ? `${this.name}-${readFileSync(file, 'utf8').trim()}` : this.name;
  }

  static names(storeRoot: string): string[] {
    const folder = folderOf(storeRoot);
    return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(path.join(folder, name, RECORD))) : [];
  }

  /** What is recorded, of the store where it lies now. @throws ExperimentError invalid-option where there is none of this name */
  record(): SweepRecord {
    const file = path.join(this.directory, RECORD);
    const root = path.dirname(path.dirname(this.directory));
    if (!this.#isThere()) {
      const others = Sweep.names(root);
      throw new ExperimentError(
        'invalid-option',
        `there is no sweep '${this.name}' in ${path.dirname(this.directory)}. Sweeps: ${others.join(', ') || 'none'}.`,
        { name: this.name },
      );
    }
    const record = JSON.parse(readFileSync(file, 'utf8')) as SweepRecord;
    return { ...record, argv: record.argv.map((word) => (word.startsWith(STORE) ? `${STORE}${root}` : word)) };
  }

  /**
   * Submits the tasks that are neither done nor in the queue.
   * @param given.program the words that run the job, without --only and --reduce
   * @returns what was done, in a sentence
   * @throws ExperimentError locked, slurm-refused, slurm-missing; invalid-option where --max-submitted leaves no room
   */
  async submit(tasks: readonly Task[], given: Given & { readonly begins: boolean }): Promise<string> {
    mkdirSync(this.directory, { recursive: true });
    return this.#locked(() => this.#submit(tasks, given), 1);
  }

  /**
   * After a round: continues with what is left.
   * @returns what was submitted, or null where every task is there
   * @throws ExperimentError measurement-failed naming what is missing, why, and how to go on; as {@link submit}
   */
  async next(tasks: readonly Task[], given: Given): Promise<string | null> {
    if (!this.#isThere() && tasks.every((task) => task.done())) return null;
    this.record();
    return this.#locked(() => this.#next(tasks, given), LOCK_TRIES);
  }

  /** Does what nobody else may do to the sweep at the same time. @throws ExperimentError locked after `tries` looks, a second apart */
  #locked<T>(work: () => Promise<T>, tries: number, between?: () => Promise<void>): Promise<T> {
    return Lock.holding(this.directory, work, {
      refuse: (held) => new ExperimentError('locked', heldText(this.directory, held), { directory: this.directory }),
      tries,
      waitMs: LOCK_WAIT_MS,
      between,
    });
  }

  async #next(tasks: readonly Task[], given: Given): Promise<string | null> {
    const record = this.record();
    const { jobs, lost } = await this.#settle(record);
    const last = record.rounds.at(-1)!;
    // Slurm may start us again when we have submitted the round behind ours: its job is the one that goes on.
    const followed = last.reduce !== ourJob() && jobs.some(({ id }) => id === last.reduce);
    const missing = tasks.filter((task) => !task.done());
    if (missing.length === 0 && !followed) return null;
    const failed = this.#failed(record);
    const left = missing.filter(({ id }) => !failed.has(id));
    if (followed || goesOn(left, turnsOf(record))) return `${await this.#submit(tasks, { ...given, begins: false })}${lost}`;
    throw new ExperimentError('measurement-failed', `${this.missingText(tasks)}${lost}`, { missing: missing.map(({ id }) => id) });
  }

  /**
   * What the queue has of the recorded rounds, and every id that it has of the sweep's name. What no round has was submitted by a process
   * that was killed before it could note it, or twice where an answer came too late: held or not, it is cancelled, and `lost` says so.
   */
  async #settle({ rounds }: SweepRecord): Promise<{ jobs: QueuedJob[]; ids: Set<string>; lost: string }> {
    const jobs = await this.inQueue();
    const ids = new Set(jobs.map(({ id }) => id));
    const noted = new Set([ourJob(), ...rounds.flatMap(({ reduce, arrays }) => [reduce, ...arrays.map(({ id }) => id)])]);
    const unknown = [...ids].filter((id) => !noted.has(id));
    await cancelJobs(unknown);
    const lost = unknown.length === 0 ? '' : `\n${unknown.join(', ')} of its name, which no round of it has, cancelled`;
    return { jobs: jobs.filter(({ id }) => noted.has(id)), ids, lost };
  }

  async #submit(tasks: readonly Task[], given: Given & { readonly begins: boolean }): Promise<string> {
    const { job, argv, program, options, begins } = given;
    const before = this.#isThere() ? this.record() : null;
    if (before === null && !existsSync(path.join(this.directory, ID)))
      await writeAtomic(path.join(this.directory, ID), `${randomUUID().slice(0, 8)}\n`);
    const environment = begins ? environmentOf(process.env) : before?.environment;
    const record: SweepRecord = {
      ...{ job, argv, directory: process.cwd(), rounds: before?.rounds ?? [] },
      ...(environment === undefined ? {} : { environment }),
    };
    const { jobs, ids, lost } = await this.#settle(record);
    const others = [...new Set(jobs.map(({ id }) => id))].filter((id) => id !== ourJob());
    const waiting = record.rounds.findLast(({ reduce }) => others.includes(reduce))?.reduce;
    if (waiting !== undefined) {
      const released = await releaseHeld(this.jobName);
      const again = released === 0 ? '' : `; ${released} that Slurm held after a failure of a node may run again`;
      const forgotten = await isHeld(waiting);
      if (forgotten)
        await releaseAfter(
          waiting,
          others.filter((id) => id !== waiting),
        );
      const told = forgotten ? `; job ${waiting}, held as a controller that is killed can leave it, may run again` : '';
      return `${this.name} is in the queue already, ${jobs.length} jobs and elements of it: nothing is submitted twice${again}${told}${lost}`;
    }
    const flying = new Set(taskIds(record.rounds, jobs));
    const failed = begins ? new Map<string, string>() : this.#failed(record);
    const missing = tasks.filter((task) => !task.done() && !flying.has(task.id) && !failed.has(task.id));
    // The queue has us too, where we continue; what is ending no longer counts.
    const present = jobs.filter(({ state }) => state !== ENDING).length;
    const room = (options.maxSubmitted ?? Infinity) - 1 - present;
    if (room < 1 && missing.length > 0)
      throw new ExperimentError(
        'invalid-option',
        `--max-submitted=${options.maxSubmitted} leaves no room: the queue has ${present} jobs and elements of ${this.name}, and a sweep has ` +
          'its tasks and one job more in it. Give more, or the same command again when these have ended.',
        {},
      );
    const turned = new Set(begins ? [] : turnsOf(record).flat());
    const chosen = nextRound(missing, { flying, turned, room });
    const size = await maxArraySize();
    const number = record.rounds.length;
    const slurmOptions: SlurmOptions = { ...options, name: this.jobName };
    const [taskScript, reduceScript] = await this.#writeScripts(number, chosen, program);
    const log = `--output=${logPath(path.join(this.directory, `reduce-${number}.log`))}`;
    // First, and held: a cap that the arrays fill would leave no place for it.
    const reduce = await submit(reduceScript, { ...slurmOptions, cpus: 1 }, ['--hold', log], { known: ids });
    const round: Round = { tasks: [], arrays: [], reduce, begins };
    record.rounds.push(round);
    await this.#save(record);
    let refusal: string | null;
    try {
      refusal = await this.#submitArrays(record, chosen, { script: taskScript, options: slurmOptions, size, known: ids.add(reduce) });
      const awaited = [...round.arrays.map(({ id }) => id), ...others];
      await writeAtomic(path.join(this.directory, `round-${number}-release.sh`), releaseScript(reduce, awaited));
      await releaseAfter(reduce, awaited);
    } catch (error) {
      const left = await leftOf(round);
      if (!(error instanceof ExperimentError)) throw error;
      throw new ExperimentError(error.code, `${error.message}\n${left}`, { ...error.values }, { cause: error });
    }
    const sent = round.tasks.length;
    const later = missing.length - sent;
    return `${this.name}: ${sent} of ${missing.length} missing tasks submitted as ${round.arrays.length} arrays${
      later > 0 ? `, the other ${later} follow when these have ended` : ''
    }${refusal === null ? '' : ` (${refusal})`}; job ${reduce} reports when all have ended. npx controllab sweep status --name ${this.name}${lost}`;
  }

  /**
   * As large as the cluster allows; where it refuses, smaller, until it takes no more.
   * @returns what it said when it took no more; null: it took all
   * @throws ExperimentError slurm-refused where it takes none
   */
  async #submitArrays(
    record: SweepRecord,
    chosen: readonly string[],
    { script, options, size, known }: { script: string; options: SlurmOptions; size: number; known: Set<string> },
  ): Promise<string | null> {
    const { tasks, arrays } = record.rounds.at(-1)!;
    let most = size;
    while (tasks.length < chosen.length) {
      const first = tasks.length;
      const count = Math.min(most, chosen.length - first);
      try {
        const id = await submit(script, options, [`--array=0-${count - 1}`, '--output=/dev/null'], { argv: [String(first)], known });
        known.add(id);
        arrays.push({ id, first, count });
        tasks.push(...chosen.slice(first, first + count));
        await this.#save(record);
      } catch (error) {
        if (!(error instanceof ExperimentError) || error.code !== 'slurm-refused') throw error;
        if (count > 1 && /limit|too (many|large)|exceed/i.test(error.message)) most = count >> 1;
        else if (arrays.length === 0) throw error;
        // What was sent is computed, and the job behind it submits the rest, or says why it cannot.
        else return error.message;
      }
    }
    return null;
  }

  /** The scripts of a round: a task by its number, and what follows when all have ended. */
  async #writeScripts(number: number, tasks: readonly string[], program: readonly string[]): Promise<[task: string, reduce: string]> {
    const file = (name: string): string => path.join(this.directory, `round-${number}${name}`);
    await writeAtomic(file('.tasks'), tasks.map((id) => `${id}\n`).join(''));
    // An exit code above that is a signal's or a stop's: the task is unfinished, not failed.
    await writeAtomic(
      file('.sh'),
      // A shell that dies of Slurm's signal takes the program with it, in the middle of the checkpoint that it writes at that signal.
      `#!/bin/bash
trap : TERM INT
number=$(($1 + SLURM_ARRAY_TASK_ID))
task=$(sed -n "$((number + 1))p" ${shellText([file('.tasks')])})
base=${shellText([file('')])}-$number
${shellText(program)} --only "$task" >> "$base.log" 2>&1
code=$?
if [ $code -eq 0 ]; then : > "$base.ended"; fi
if [ $code -gt 0 ] && [ $code -le ${Math.max(...NOT_STARTED)} ]; then echo $code > "$base.failed"; fi
release=${shellText([file('-release.sh')])}
if [ -e "$release" ]; then bash "$release" > /dev/null 2>&1; fi
exit $code
`,
    );
    await writeAtomic(file('-reduce.sh'), `#!/bin/bash\nexec ${shellText(program)} --reduce\n`);
    return [file('.sh'), file('-reduce.sh')];
  }

  /** What is missing, with the end of its log, and how to go on. */
  missingText(tasks: readonly Task[]): string {
    const record = this.record();
    const failed = this.#failed(record);
    const missing = tasks.filter((task) => !task.done());
    const lines = missing.slice(0, NAMED).map(({ id }) => {
      const log = this.#logOf(record, id);
      const end = log === null ? [] : readFileSync(log, 'utf8').trim().split('\n').slice(-TAIL);
      const ended = log !== null && existsSync(log.replace(/\.log$/, '.ended'));
      const why = whyMissing(failed.get(id), { ran: log !== null, ended });
      return `${id}: ${why}${log === null ? '' : ` (${log})`}${end.map((line) => `\n    ${line}`).join('')}`;
    });
    const more = missing.length > NAMED ? [`and ${missing.length - NAMED} more`] : [];
    return `${this.name}: ${missing.length} of ${tasks.length} tasks are missing, the others are stored.\n${[...lines, ...more].join('\n')}\nnpx controllab sweep resume --name ${this.name}, or the same command again, submits what is missing.`;
  }

  /** What the queue has of it. */
  inQueue(): Promise<QueuedJob[]> {
    return queued(this.jobName);
  }

  /**
   * Takes everything of it out of the queue, and lets nobody submit meanwhile: the job that continues may be about to.
   * @returns how many jobs and elements that were
   * @throws ExperimentError locked where another process has the sweep for minutes; slurm-refused, slurm-missing
   */
  async cancel(): Promise<number> {
    const reduces = new Set(this.record().rounds.map(({ reduce }) => reduce));
    const seen = new Set<string>();
    const sweepOut = async (): Promise<boolean> => {
      const jobs = (await this.inQueue()).filter(({ state }) => state !== ENDING);
      for (const { id, index } of jobs) seen.add(`${id}_${index}`);
      // The job that continues goes first, or it would see the others end.
      await cancelJobs([...new Set(jobs.map(({ id }) => id))].sort((a, b) => Number(reduces.has(b)) - Number(reduces.has(a))));
      return jobs.length === 0;
    };
    // Who has the lock may be that very job.
    await this.#locked(
      async () => {
        for (let attempt = 1; !(await sweepOut()); attempt++) {
          if (attempt === CANCEL_TRIES)
            throw new ExperimentError(
              'slurm-refused',
              `${this.name} stays in the queue whatever scancel is told: squeue --me --name=${this.jobName}`,
              {},
            );
          await sleep(CANCEL_WAIT_MS);
        }
      },
      LOCK_TRIES,
      async () => void (await sweepOut()),
    );
    return seen.size;
  }

  /** Tasks that ended with an error of their own since a person began, with their exit codes. */
  #failed(record: SweepRecord): Map<string, string> {
    const failed = new Map<string, string>();
    const present = new Set(existsSync(this.directory) ? readdirSync(this.directory) : []);
    record.rounds.forEach(({ tasks }, number) => {
      if (number < lastBegin(record)) return;
      tasks.forEach((id, i) => {
        const name = `round-${number}-${i}.failed`;
        if (present.has(name)) failed.set(id, readFileSync(path.join(this.directory, name), 'utf8').trim());
      });
    });
    return failed;
  }

  /** The log of a task's last run; null where it has never run. */
  #logOf({ rounds }: SweepRecord, id: string): string | null {
    for (let number = rounds.length - 1; number >= 0; number--) {
      const at = rounds[number]!.tasks.indexOf(id);
      const log = path.join(this.directory, `round-${number}-${at}.log`);
      if (at >= 0 && existsSync(log)) return log;
    }
    return null;
  }

  #isThere(): boolean {
    return existsSync(path.join(this.directory, RECORD));
  }

  #save(record: SweepRecord): Promise<void> {
    return writeAtomic(path.join(this.directory, RECORD), `${JSON.stringify(record)}\n`);
  }
}

/** The job of Slurm that we run in. */
const ourJob = (): string | undefined => process.env['SLURM_JOB_ID'];

function whyMissing(code: string | undefined, { ran, ended }: { ran: boolean; ended: boolean }): string {
  if (code === undefined && ended)
    return 'ended well, and what it stored is of another kind of processor than this one, or in a place that is not this store: give the sweep nodes of one kind that share it (docs/sweeps.md)';
  if (code === undefined) return ran ? 'ended without an answer: killed, out of time or of memory' : 'was never started';
  return NOT_STARTED.includes(Number(code))
    ? `its program could not be started (code ${code}): ${process.execPath} has to be there on every node`
    : `failed with code ${code}`;
}

/**
 * What a round that could not be submitted whole leaves in the queue: nothing, where nothing of it was taken.
 * @returns what is there, and what to do, in a sentence
 */
async function leftOf({ tasks, reduce }: Round): Promise<string> {
  if (tasks.length > 0)
    return `${tasks.length} tasks are in the queue, and job ${reduce} behind them is held: the same command again lets it run.`;
  try {
    await cancelJobs([reduce]);
    return 'Nothing is submitted.';
  } catch (error) {
    return `Job ${reduce} is in the queue, held, and could not be cancelled (${(error as Error).message}): scancel ${reduce}`;
  }
}

/** What was sent in each round since a person began. */
const turnsOf = (record: SweepRecord): (readonly string[])[] => record.rounds.slice(lastBegin(record)).map(({ tasks }) => tasks);

/** The round that a person began last. */
const lastBegin = ({ rounds }: SweepRecord): number =>
  Math.max(
    0,
    rounds.findLastIndex(({ begins }) => begins),
  );

/** Tasks of the elements that the queue has. */
const taskIds = (rounds: readonly Round[], jobs: readonly QueuedJob[]): string[] =>
  jobs.flatMap(({ id, index }) =>
    rounds.flatMap(({ arrays, tasks }) =>
      arrays.filter((array) => array.id === id && index !== null).map(({ first }) => tasks[first + index!]!),
    ),
  );
