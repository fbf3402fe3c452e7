import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from './process-start.ts';

/** Who holds a lock. */
export interface Owner {
  readonly host: string;
  /** In which space of process numbers: containers on one host have their own. */
  readonly space: string;
  readonly pid: number;
  /** See `processStart`: a number that was given to another process since is no owner. */
  readonly started: string;
}

const HELD = 'lock-';
/** Announced by a contender that is not the owner yet. */
const WANTED = 'want-';
/** Rounds of looking, and of stepping back: each contender that steps back lets one more through. */
const TRIES = 200;
const LOOK_AGAIN_MS = 2;
const STEP_BACK_MS = 10;

/** A lock that somebody else holds. */
export interface Held {
  readonly owner: Owner;
  readonly file: string;
}

const processSpace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return process.platform;
  }
};

const self = (): Owner => ({ host: os.hostname(), space: processSpace(), pid: process.pid, started: processStart(process.pid)! });

/** Whether the owner still runs. On another host nobody can tell: its lock is never taken for a dead one's. */
const isAlive = ({ host, space, pid, started }: Owner): boolean =>
  host !== os.hostname() || space !== processSpace() || processStart(pid) === started;

/** Who put a file down; `gone` where it was released since the folder was listed, `damaged` where a power cut left half of it. */
function readOwner(file: string): Owner | 'gone' | 'damaged' {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    // A living process's file is renamed into place whole.
    if (error instanceof SyntaxError) return 'damaged';
    throw error;
  }
}

/** The living owners and contenders in a folder other than `mine`, with their files; what dead ones left is removed on the way. */
function others(directory: string, mine: string): Held[] {
  return readdirSync(directory).flatMap((name) => {
    const file = path.join(directory, name);
    if (!isLockFile(name) || name.endsWith('.tmp') || file === mine) return [];
    const owner = readOwner(file);
    if (owner === 'gone') return [];
    if (owner !== 'damaged' && isAlive(owner)) return [{ owner, file }];
    // Every one has a name of its own, so what is removed here is this dead one's and nobody else's.
    rmSync(file, { force: true });
    return [];
  });
}

/** Whether a file in a locked folder is a lock's: not the folder's content. */
export const isLockFile = (name: string): boolean => name.startsWith(HELD) || name.startsWith(WANTED);

const isHeld = ({ file }: Held): boolean => path.basename(file).startsWith(HELD);

/** A folder that one process at a time works in. */
export class Lock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * Locks a folder, which must exist. Announce, then look: a contender puts down a file of its own, and becomes the owner only when it then
   * sees nobody else. Of two, at least the later looker sees the other, so there are never two owners. Of several contenders all but the
   * one with the smallest name step back, so one gets through. No name is ever used again: whoever finds a dead one's file can remove it.
   * @returns the lock, or who holds it and by which file
   */
  static async acquire(directory: string): Promise<Lock | Held> {
    for (let attempt = 1; ; attempt++) {
      const id = randomUUID();
      const wanted = path.join(directory, `${WANTED}${id}`);
      // Renamed into place: nobody reads a file whose owner is not written yet.
      writeFileSync(`${wanted}.tmp`, JSON.stringify(self()));
      renameSync(`${wanted}.tmp`, wanted);
      const seen = await becomeOnly(directory, wanted);
      if (seen === null) {
        const held = path.join(directory, `${HELD}${id}`);
        renameSync(wanted, held);
        return new Lock(held);
      }
      rmSync(wanted, { force: true });
      if (isHeld(seen) || attempt === TRIES) return seen;
      await sleep(STEP_BACK_MS * (1 + Math.random()));
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

/** Waits until nobody else is there, as long as all others are contenders that will step back. @returns null, or who is not going to */
async function becomeOnly(directory: string, wanted: string): Promise<Held | null> {
  for (let look = 1; ; look++) {
    const present = others(directory, wanted);
    const first = present.find(isHeld) ?? present.find(({ file }) => path.basename(file) < path.basename(wanted));
    if (first !== undefined) return first;
    if (present.length === 0) return null;
    if (look === TRIES) return present[0]!;
    await sleep(LOOK_AGAIN_MS);
  }
}

/** "process 123 on host node7". */
export const ownerText = ({ host, pid }: Owner): string => `process ${pid}${host === os.hostname() ? '' : ` on host ${host}`}`;
