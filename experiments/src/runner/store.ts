import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  canonicalJson,
  fileHash,
  heldText,
  isDiskFull,
  isLockFile,
  jsonDifference,
  jsonHash,
  Lock,
  ownerText,
  sha256,
  slurmJob,
  systemProblem,
  writeAtomic,
  type Held,
  type Json,
} from '@controllab/data';
import { noteNetworkRun, recordNetworkRuns, type NetworkRun } from '@controllab/tfjs-onnx';
import { ExperimentError } from './errors.ts';
import { NOT_RECORDED } from './numerics.ts';

/** What a computation leaves in the store. */
export interface Computed<T> {
  readonly value: T;
  /** Names of files in the cell's folder that belong to the value; everything else there is scaffolding and goes. */
  readonly files?: readonly string[];
}

/** A value with the folder of its files and what was recorded when it was computed. */
export interface Stored<T> {
  readonly value: T;
  readonly directory: string;
  /** Of the identity: names the cell everywhere. */
  readonly hash: string;
  readonly record: CellRecord;
  /** Whether it was there already when it was asked for. */
  readonly cached: boolean;
}

/** Where and when a value was computed. Nothing here is part of its identity. */
export interface CellRecord {
  readonly commit: string | null;
  readonly finishedAt: string;
  /**
   * Of the process that finished it; null when an earlier one had begun it: the time of a computation in pieces is nobody's measurement.
   */
  readonly seconds: number | null;
  /** The networks that ran for it, here or in cells that it was made from; values from before this was recorded have none. */
  readonly networks?: readonly NetworkRun[];
}

const VALUE = 'value.json';
const IDENTITY = 'identity.json';
const HASH_LENGTH = 20;
const POLL_MS = 500;
/** How long a job of a cluster waits for an owner of whom nobody can tell whether it lives: it keeps a processor from others meanwhile. */
const DOUBT_MS = 600_000;

interface CellFile {
  value: unknown;
  /** Hash of the identity; values from before it was stored have none. */
  of?: string;
  files: Record<string, string>;
  record: CellRecord;
}

/** What the value's file of a cell holds, whose first line is the hash of the rest. */
function readBody(directory: string): { readonly body: string } | 'absent' | 'damaged' {
  let text: string;
  try {
    text = readFileSync(path.join(directory, VALUE), 'utf8');
  } catch (error) {
    // The second where a file lies in the folder's place: who writes there says so.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return 'absent';
    throw error;
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1, -1);
  return end === 64 && text.endsWith('\n') && sha256(body) === text.slice(0, end) ? { body } : 'damaged';
}

/** A cell's value if it and all of its files are as they were stored; null, having said why, when something is damaged or missing. */
async function readCell(directory: string, say: (message: string) => void): Promise<CellFile | null> {
  const read = readBody(directory);
  if (read === 'absent') return null;
  const damaged = (what: string): null => {
    say(`${path.join(directory, what)} is damaged or missing: computing it again`);
    return null;
  };
  if (read === 'damaged') return damaged(VALUE);
  const cell = JSON.parse(read.body) as CellFile;
  for (const [name, hash] of Object.entries(cell.files)) {
    const part = path.join(directory, name);
    if (!existsSync(part) || (await fileHash(part)) !== hash) return damaged(name);
  }
  return cell;
}

/**
 * Everything that was ever computed, by what identifies it: trainings, pools of latents, drawings, measures. A cell is computed once, by
 * whoever gets to it first, and used by all experiments; another process that needs it waits for the one that computes it. What a cell
 * depends on is in its identity, so nothing stored can go stale.
 */
export class Store {
  readonly root: string;
  readonly #commit: string | null;
  readonly #say: (message: string) => void;
  readonly #doubtMs: number;

  /** @param options.doubtMs how long a job of a cluster waits for an owner that may have died; ten minutes if not given */
  constructor(root: string, { commit, say, doubtMs = DOUBT_MS }: { commit: string | null; say(message: string): void; doubtMs?: number }) {
    this.root = root;
    this.#commit = commit;
    this.#say = say;
    this.#doubtMs = doubtMs;
  }

  /** Where a cell lies, whether it is there or not. */
  directory(kind: string, identity: Json): string {
    return path.join(this.root, kind, jsonHash(identity).slice(0, HASH_LENGTH));
  }

  /** The same with the cell's name, which what depends on it has in its identity. */
  place(kind: string, identity: Json): { readonly directory: string; readonly hash: string } {
    const directory = this.directory(kind, identity);
    return { directory, hash: path.basename(directory) };
  }

  /** Whether a cell's value is whole and its files are there, as in a store that was copied to its end; the files are read when used. */
  has(kind: string, identity: Json): boolean {
    const directory = this.directory(kind, identity);
    const read = readBody(directory);
    return (
      typeof read === 'object' &&
      Object.keys((JSON.parse(read.body) as CellFile).files).every((name) => existsSync(path.join(directory, name)))
    );
  }

  /**
   * The value of a cell, computed if it is not there or no longer whole.
   * @param compute gets the cell's folder, in which it may leave checkpoints: after a kill it is called again and finds them
   * @throws ExperimentError locked in a job of a cluster, where nobody can tell whether who holds the cell lives; disk-full; what `compute`
   *   throws
   */
  async cell<T>(kind: string, identity: Json, compute: (directory: string) => Promise<Computed<T>>): Promise<Stored<T>> {
    const stored = await this.#cell(kind, identity, compute);
    for (const run of stored.record.networks ?? [unrecorded(kind)]) noteNetworkRun(run);
    return stored;
  }

  async #cell<T>(kind: string, identity: Json, compute: (directory: string) => Promise<Computed<T>>): Promise<Stored<T>> {
    const { directory, hash } = this.place(kind, identity);
    const present = await readCell(directory, this.#say);
    if (present !== null && (await this.#isOwn(directory, identity, present))) {
      await tidy(directory, present);
      return { value: present.value as T, directory, hash, record: present.record, cached: true };
    }
    const lock = await writing(directory, async () => {
      mkdirSync(directory, { recursive: true });
      return this.#lock(directory, `${kind} ${hash}`);
    });
    try {
      // Somebody may have finished it while we waited.
      const finished = await readCell(directory, () => {});
      if (finished !== null && finished.of === hash)
        return { value: finished.value as T, directory, hash, record: finished.record, cached: true };
      return { ...(await this.#compute(directory, identity, compute)), hash, cached: false };
    } finally {
      lock.release();
    }
  }

  /** Forgets the cells of a kind whose identity is meant, if nobody is at work in them. @throws ExperimentError locked */
  async forgetAll(kind: string, meant: (identity: Json) => boolean): Promise<void> {
    const folder = path.join(this.root, kind);
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const directory = path.join(folder, name);
      const identity = readIdentity(directory);
      // What does not say whose it is may be one of them.
      if (identity !== null && !meant(identity)) continue;
      await Lock.holding(directory, () => rmSync(directory, { recursive: true }), { refuse: (held) => locked(directory, held) });
    }
  }

  async #compute<T>(
    directory: string,
    identity: Json,
    compute: (directory: string) => Promise<Computed<T>>,
  ): Promise<{ value: T; directory: string; record: CellRecord }> {
    const resumed = existsSync(path.join(directory, IDENTITY));
    const named = readIdentity(directory);
    if (named !== null && canonicalJson(named) !== canonicalJson(identity)) throw moved(directory, jsonDifference(named, identity));
    const started = performance.now();
    return writing(directory, async () => {
      rmSync(path.join(directory, VALUE), { force: true });
      await writeAtomic(path.join(directory, IDENTITY), `${canonicalJson(identity)}\n`);
      const { value: computed, runs: networks } = await recordNetworkRuns(() => compute(directory));
      const { value, files = [] } = computed;
      // JSON would drop it, and every later run would find a cell without a value.
      if (value === undefined)
        throw new ExperimentError('measurement-failed', `${directory}: nothing came out, so nothing is stored.`, { directory });
      const hashes: Record<string, string> = {};
      for (const name of files) hashes[name] = await fileHash(path.join(directory, name));
      const record: CellRecord = {
        commit: this.#commit,
        finishedAt: new Date().toISOString(),
        seconds: resumed ? null : Math.round((performance.now() - started) / 100) / 10,
        networks,
      };
      const body = JSON.stringify({ value, of: path.basename(directory), files: hashes, record } satisfies CellFile, finiteIn(directory));
      await writeAtomic(path.join(directory, VALUE), `${sha256(body)}\n${body}\n`);
      removeScaffolding(directory, files);
      return { value: (JSON.parse(body) as CellFile).value as T, directory, record };
    });
  }

  async #lock(directory: string, what: string): Promise<Lock> {
    let told = false;
    let doubted = { file: '', since: 0 };
    for (;;) {
      const lock = await Lock.acquire(directory);
      if (lock instanceof Lock) return lock;
      if (lock.file !== doubted.file || lock.certain) doubted = { file: lock.file, since: performance.now() };
      if (!lock.certain && slurmJob() !== undefined && performance.now() - doubted.since >= this.#doubtMs) throw locked(directory, lock);
      if (!told)
        this.#say(
          `${ownerText(lock.owner)} is computing ${what}: waiting for it. If it has died, or is another program, remove ${lock.file}`,
        );
      told = true;
      await sleep(POLL_MS);
    }
  }

  /** Whether a whole value may be used. @throws ExperimentError store-damaged where it is another identity's */
  async #isOwn(directory: string, identity: Json, { of }: CellFile): Promise<boolean> {
    const named = readIdentity(directory);
    const [hash, file] = [path.basename(directory), path.join(directory, IDENTITY)];
    if (of !== undefined && of !== hash) throw moved(directory, [`its value is that of ${of}`]);
    if (named !== null && canonicalJson(named) === canonicalJson(identity)) return true;
    if (of === hash) {
      this.#say(`${file} is damaged or missing: written again`);
      await writing(directory, () => writeAtomic(file, `${canonicalJson(identity)}\n`));
      return true;
    }
    if (named !== null) throw moved(directory, jsonDifference(named, identity));
    this.#say(`${file} is damaged or missing: computing its value again`);
    return false;
  }
}

/**
 * JSON has no NaN: stored as null it would be read as 0 in one place and as "does not apply" in another.
 * @throws ExperimentError measurement-failed, when a value that is written holds one
 */
const finiteIn =
  (directory: string) =>
  (key: string, value: unknown): unknown => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new ExperimentError('measurement-failed', `${directory}: ${value} came out (at ${key}), so nothing is stored.`, {
        directory,
        key,
      });
    return value;
  };

/** What stands for the networks of a value that was stored before they were recorded. */
const unrecorded = (kind: string): NetworkRun => ({
  name: `networks of a stored ${kind}`,
  engine: NOT_RECORDED,
  provider: NOT_RECORDED,
  threads: null,
  stateful: false,
});

/** What a cell says that it is of; null where that is missing or damaged. */
function readIdentity(directory: string): Json | null {
  try {
    const identity = JSON.parse(readFileSync(path.join(directory, IDENTITY), 'utf8')) as Json;
    // Nested without end it cannot be compared with any other.
    canonicalJson(identity);
    return identity;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const moved = (directory: string, differences: readonly string[]): ExperimentError =>
  new ExperimentError(
    'store-damaged',
    `${directory} was made for another identity (${differences.slice(0, 4).join('; ')}): it was moved or edited. Move it away and run the same command again.`,
    { directory, differences },
  );

/**
 * Does work that writes into a cell's folder. Refusals by the system become a sentence.
 * @throws ExperimentError disk-full, store-not-writable; what the work throws
 */
async function writing<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = systemProblem(error);
    // Errors of the house say themselves what is wrong with what they read; a full disk ends every kind of work.
    if (problem === null || (!isDiskFull(error) && (error as NodeJS.ErrnoException).syscall === undefined)) throw error;
    throw new ExperimentError(
      isDiskFull(error) ? 'disk-full' : 'store-not-writable',
      `The store cannot be written to: ${directory} is where this computation is kept (--store names another place). ${problem} What is computed stays there.`,
      { directory },
      { cause: error },
    );
  }
}

/** Checkpoints and logs of a finished computation: everything but what the value lists. */
function scaffolding(directory: string, files: readonly string[]): string[] {
  const kept = new Set([VALUE, IDENTITY, ...files]);
  return readdirSync(directory).filter((name) => !kept.has(name) && !isLockFile(name));
}

function removeScaffolding(directory: string, files: readonly string[]): void {
  for (const name of scaffolding(directory, files)) rmSync(path.join(directory, name), { recursive: true, force: true });
}

/** Removes what a process left that was killed between storing a value and removing its scaffolding, unless that process is at it still. */
async function tidy(directory: string, { files }: CellFile): Promise<void> {
  // The lock of a process that died holding it goes when it is acquired.
  if (scaffolding(directory, Object.keys(files)).length === 0 && !readdirSync(directory).some(isLockFile)) return;
  const lock = await Lock.acquire(directory).catch(() => null);
  if (!(lock instanceof Lock)) return;
  removeScaffolding(directory, Object.keys(files));
  lock.release();
}

const locked = (directory: string, held: Held): ExperimentError =>
  new ExperimentError('locked', heldText(directory, held), { directory, ...held.owner });
