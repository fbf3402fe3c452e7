import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type Json, canonicalJson, jsonHash, writeAtomic } from '@controllab/data';
import { isDiskFull } from '@controllab/training';
import { ExperimentError } from './errors.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Where one run (experiment, profile, seed, everything else that decides its numbers) keeps what it has computed.
 * Runs with different settings get different folders, so none can be continued by mistake as another.
 */
export class RunDirectory {
  readonly path: string;
  readonly hash: string;
  private readonly lock: string;
  private readonly say: (message: string) => void;

  /** Whether an earlier process began this run. */
  readonly resumed: boolean;

  private constructor(directory: string, hash: string, resumed: boolean, say: (message: string) => void) {
    this.path = directory;
    this.hash = hash;
    this.resumed = resumed;
    this.lock = path.join(directory, 'lock');
    this.say = say;
  }

  /**
   * Opens (or with `fresh` empties) a run's folder and locks it.
   * @throws ExperimentError locked when another process is at work there
   */
  static async open({
    root,
    name,
    config,
    fresh,
    say,
  }: {
    root: string;
    name: string;
    config: Json;
    fresh: boolean;
    say: (message: string) => void;
  }): Promise<RunDirectory> {
    const hash = jsonHash(config);
    const directory = path.join(root, `${name}-${hash.slice(0, 10)}`);
    mkdirSync(directory, { recursive: true });
    const run = new RunDirectory(directory, hash, !fresh && existsSync(path.join(directory, 'config.json')), say);
    run.acquire();
    // Only with the lock in hand: another process may be at work here.
    if (fresh) for (const entry of readdirSync(directory)) if (entry !== 'lock') rmSync(path.join(directory, entry), { recursive: true });
    await write(path.join(directory, 'config.json'), `${canonicalJson(config)}\n`);
    return run;
  }

  /** A value that is computed once: stored with its checksum, and computed again when the stored one is damaged. */
  async stage<T>(name: string, compute: () => Promise<T>): Promise<T> {
    const file = path.join(this.path, `${name}.json`);
    if (existsSync(file)) {
      const stored = readStage(file);
      if (stored !== null) return stored.value as T;
      this.say(`${file} is damaged: computing it again`);
    }
    const value = JSON.stringify(await compute());
    await write(file, `${sha256(value)}\n${value}\n`);
    return JSON.parse(value) as T;
  }

  close(): void {
    rmSync(this.lock, { force: true });
  }

  private acquire(): void {
    // A link appears with its content, so nobody reads a lock whose owner is not written yet.
    const mine = `${this.lock}.${process.pid}.tmp`;
    try {
      writeFileSync(mine, String(process.pid));
      while (!this.link(mine)) this.removeStaleLock();
    } catch (error) {
      throw asDiskFull(error, this.lock);
    } finally {
      rmSync(mine, { force: true });
    }
  }

  private link(mine: string): boolean {
    try {
      linkSync(mine, this.lock);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    }
  }

  /** Removes the lock of a process that was killed. */
  private removeStaleLock(): void {
    const read = readIfPresent(this.lock);
    if (read === null) return;
    const owner = Number(read);
    if (owner > 0 && owner !== process.pid && isAlive(owner)) {
      throw new ExperimentError(
        'locked',
        `Process ${owner} is already at work in ${this.path}. Wait for it, or stop it and run this command again: it will continue from where that one was.`,
        { directory: this.path, owner },
      );
    }
    rmSync(this.lock, { force: true });
  }
}

function readIfPresent(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The value of a stage's file, or null if the file is damaged. */
function readStage(file: string): { value: unknown } | null {
  const text = readFileSync(file, 'utf8');
  const end = text.indexOf('\n');
  const value = text.slice(end + 1, -1);
  return end === 64 && sha256(value) === text.slice(0, end) ? { value: JSON.parse(value) as unknown } : null;
}

const asDiskFull = (error: unknown, file: string): unknown =>
  isDiskFull(error)
    ? new ExperimentError(
        'disk-full',
        `No space left on the disk while writing ${file}. Everything computed before it is kept: free some space and run the same command again to continue.`,
        { file },
        { cause: error },
      )
    : error;

async function write(file: string, text: string): Promise<void> {
  try {
    await writeAtomic(file, text);
  } catch (error) {
    throw asDiskFull(error, file);
  }
}
