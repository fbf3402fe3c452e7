import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { shellText } from '@controllab/command-line';
import { heldText, Lock, writeAtomic } from '@controllab/data';
import { ExperimentError } from '../errors.ts';
import type { Task } from '../job.ts';
import { longestFirst, readyOf } from '../task-order.ts';
import {
  cancelJobs,
  HELD_BY_USER,
  isHeld,
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
  readonly tasks: readonly string[];
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
  readonly rounds: Round[];
}

export interface SweepOptions extends Omit<SlurmOptions, 'name'> {
  /** Jobs and elements that the sweep may have in the queue at a time. */
  readonly maxSubmitted?: number;
}

/** Lines of a log that a message repeats, and tasks that it names. */
const TAIL = 6;
const NAMED = 10;

const RECORD = 'sweep.json';
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

  /** The sweep of a job's command line: the same command again is the same sweep. */
  static of(storeRoot: string, job: string, identity: readonly string[]): Sweep {
    return new Sweep(storeRoot, `${job}-${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 10)}`);
  }

  static names(storeRoot: string): string[] {
    const folder = folderOf(storeRoot);
    return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(path.join(folder, name, RECORD))) : [];
  }

  /** @throws ExperimentError invalid-option where there is none of this name */
  record(): SweepRecord {
    const file = path.join(this.directory, RECORD);
    if (!existsSync(file)) {
      const others = Sweep.names(path.dirname(path.dirname(this.directory)));
      throw new ExperimentError(
        'invalid-option',
        `there is no sweep '${this.name}' in ${path.dirname(this.directory)}. Sweeps: ${others.join(', ') || 'none'}.`,
        { name: this.name },
      );
    }
    return JSON.parse(readFileSync(file, 'utf8')) as SweepRecord;
  }

  /**
   * Submits the tasks that are neither done nor in the queue. @returns what was done, in a sentence
   * @param program the words that run the job, without --only and --reduce
   * @throws ExperimentError locked, slurm-refused, slurm-missing
   */
  async submit(
    tasks: readonly Task[],
    given: { job: string; argv: readonly string[]; program: readonly string[]; options: SweepOptions; begins: boolean },
  ): Promise<string> {
    mkdirSync(this.directory, { recursive: true });
    const lock = await Lock.acquire(this.directory);
    if (!(lock instanceof Lock)) throw new ExperimentError('locked', heldText(this.directory, lock), { directory: this.directory });
    try {
      return await this.#submit(tasks, given);
    } finally {
      lock.release();
    }
  }

  async #submit(tasks: readonly Task[], given: Parameters<Sweep['submit']>[1]): Promise<string> {
    const { job, argv, program, options, begins } = given;
    const record: SweepRecord = {
      job,
      argv,
      directory: process.cwd(),
      rounds: existsSync(path.join(this.directory, RECORD)) ? this.record().rounds : [],
    };
    const inQueue = await this.inQueue();
    const ours = process.env['SLURM_JOB_ID'];
    const others = [...new Set(inQueue.map(({ id }) => id))].filter((id) => id !== ours);
    const waiting = record.rounds.findLast(({ reduce }) => reduce !== ours && inQueue.some(({ id }) => id === reduce))?.reduce;
    if (waiting !== undefined) {
      const released = await releaseHeld(this.name);
      const again = released === 0 ? '' : `; ${released} that Slurm held after a failure of a node may run again`;
      const forgotten = await isHeld(waiting);
      if (forgotten)
        await releaseAfter(
          waiting,
          others.filter((id) => id !== waiting),
        );
      const told = forgotten ? `; job ${waiting}, held as a controller that is killed can leave it, may run again` : '';
      return `${this.name} is in the queue already, ${inQueue.length} jobs and elements of it: nothing is submitted twice${again}${told}`;
    }
    const flying = new Set(taskIds(record.rounds, inQueue));
    const missing = tasks.filter((task) => !task.done() && !flying.has(task.id) && (begins || !this.#failed(record).has(task.id)));
    const room = (options.maxSubmitted ?? Infinity) - 1 - flying.size;
    if (room < 1 && missing.length > 0)
      throw new ExperimentError(
        'invalid-option',
        `--max-submitted=${options.maxSubmitted} leaves no room: a sweep has its tasks and one job more in the queue`,
        {},
      );
    // What goes on from another follows in a later round: in this one it would hold a node and wait.
    const chosen = readyOf(longestFirst(missing), flying)
      .slice(0, room)
      .map(({ id }) => id);
    const number = record.rounds.length;
    const slurmOptions: SlurmOptions = { ...options, name: this.name };
    const [taskScript, reduceScript] = await this.#writeScripts(number, chosen, program);
    const log = `--output=${path.join(this.directory, `reduce-${number}.log`)}`;
    // First, and held: a cap that the arrays fill would leave no place for it.
    const reduce = await submit(reduceScript, { ...slurmOptions, cpus: 1 }, ['--hold', log]);
    const round: Round = { tasks: chosen, arrays: [], reduce, begins };
    record.rounds.push(round);
    await this.#save(record);
    try {
      await this.#submitArrays(record, round, taskScript, slurmOptions);
    } catch (error) {
      await cancelJobs([reduce]);
      throw error;
    }
    const before = [...round.arrays.map(({ id }) => id), ...others];
    await writeAtomic(path.join(this.directory, `round-${number}-release.sh`), releaseScript(reduce, before));
    await releaseAfter(reduce, before);
    const sent = round.arrays.reduce((sum, { count }) => sum + count, 0);
    const later = missing.length - sent;
    return `${this.name}: ${sent} of ${missing.length} missing tasks submitted as ${round.arrays.length} arrays${
      later > 0 ? `, the other ${later} follow when these have ended` : ''
    }; job ${reduce} reports when all have ended. npx controllab sweep status --name ${this.name}`;
  }

  /** As large as the cluster allows; where it refuses, smaller, until it takes no more. */
  async #submitArrays(record: SweepRecord, round: Round, script: string, options: SlurmOptions): Promise<void> {
    let size = await maxArraySize();
    for (let first = 0; first < round.tasks.length;) {
      const count = Math.min(size, round.tasks.length - first);
      try {
        const id = await submit(script, options, [`--array=0-${count - 1}`, '--output=/dev/null'], [String(first)]);
        round.arrays.push({ id, first, count });
        await this.#save(record);
        first += count;
      } catch (error) {
        if (!(error instanceof ExperimentError) || !/limit|too (many|large)|exceed/i.test(error.message)) throw error;
        if (count > 1) size = count >> 1;
        else if (round.arrays.length > 0) return;
        else throw error;
      }
    }
  }

  /** The scripts of a round: a task by its number, and what follows when all have ended. */
  async #writeScripts(number: number, tasks: readonly string[], program: readonly string[]): Promise<[task: string, reduce: string]> {
    const file = (name: string): string => path.join(this.directory, `round-${number}${name}`);
    await writeAtomic(file('.tasks'), tasks.map((id) => `${id}\n`).join(''));
    // An exit code above 125 is a signal's or a stop's: the task is unfinished, not failed.
    await writeAtomic(
      file('.sh'),
      `#!/bin/bash
number=$(($1 + SLURM_ARRAY_TASK_ID))
task=$(sed -n "$((number + 1))p" ${shellText([file('.tasks')])})
base=${shellText([file('')])}-$number
${shellText(program)} --only "$task" >> "$base.log" 2>&1
code=$?
if [ $code -gt 0 ] && [ $code -le 125 ]; then echo $code > "$base.failed"; fi
release=${shellText([file('-release.sh')])}
if [ -e "$release" ]; then bash "$release" > /dev/null 2>&1; fi
exit $code
`,
    );
    await writeAtomic(file('-reduce.sh'), `#!/bin/bash\nexec ${shellText(program)} --reduce\n`);
    return [file('.sh'), file('-reduce.sh')];
  }

  /**
   * After a round: continues with what is left.
   * @returns what was submitted, or null where every task is there
   * @throws ExperimentError measurement-failed naming what is missing, why, and how to go on
   */
  async next(tasks: readonly Task[], given: Omit<Parameters<Sweep['submit']>[1], 'begins'>): Promise<string | null> {
    const missing = tasks.filter((task) => !task.done());
    if (missing.length === 0) return null;
    const record = this.record();
    const failed = this.#failed(record);
    const left = missing.filter(({ id }) => !failed.has(id));
    const round = record.rounds.at(-1)!;
    const stuck = new Set(missing.map(({ id }) => id));
    // What was killed is tried again as long as a round brings anything; what never came to its turn follows in any case.
    const turned = new Set(record.rounds.slice(lastBegin(record)).flatMap((one) => one.tasks));
    const progress = round.tasks.some((id) => !stuck.has(id) || failed.has(id)) || left.some(({ id }) => !turned.has(id));
    if (left.length > 0 && progress) return this.submit(tasks, { ...given, begins: false });
    throw new ExperimentError('measurement-failed', this.missingText(tasks), { missing: missing.map(({ id }) => id) });
  }

  /** What is missing, with the end of its log, and how to go on. */
  missingText(tasks: readonly Task[]): string {
    const record = this.record();
    const failed = this.#failed(record);
    const missing = tasks.filter((task) => !task.done());
    const lines = missing.slice(0, NAMED).map(({ id }) => {
      const log = this.#logOf(record, id);
      const end = log !== null && existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-TAIL) : [];
      const why = failed.has(id) ? `failed with code ${failed.get(id)}` : 'ended without an answer: killed, out of time or of memory';
      return `${id}: ${why}${log === null ? '' : ` (${log})`}${end.map((line) => `\n    ${line}`).join('')}`;
    });
    const more = missing.length > NAMED ? [`and ${missing.length - NAMED} more`] : [];
    return `${this.name}: ${missing.length} of ${tasks.length} tasks are missing, the others are stored.\n${[...lines, ...more].join('\n')}\nnpx controllab sweep resume --name ${this.name}, or the same command again, submits what is missing.`;
  }

  /** What the queue has of it. */
  inQueue(): Promise<QueuedJob[]> {
    return queued(this.name);
  }

  /** Takes everything of it out of the queue. @returns how many jobs and elements that were */
  async cancel(): Promise<number> {
    const jobs = await this.inQueue();
    const reduces = new Set(this.record().rounds.map(({ reduce }) => reduce));
    // The job that continues goes first, or it would see the others end.
    await cancelJobs([...new Set(jobs.map(({ id }) => id))].sort((a, b) => Number(reduces.has(b)) - Number(reduces.has(a))));
    return jobs.length;
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

  #logOf({ rounds }: SweepRecord, id: string): string | null {
    for (let number = rounds.length - 1; number >= 0; number--) {
      const at = rounds[number]!.tasks.indexOf(id);
      if (at >= 0) return path.join(this.directory, `round-${number}-${at}.log`);
    }
    return null;
  }

  #save(record: SweepRecord): Promise<void> {
    return writeAtomic(path.join(this.directory, RECORD), `${JSON.stringify(record)}\n`);
  }
}

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
