import { randomUUID } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, isNear, isThisHost, readOwner, thisProcess, type Owner } from './owner.ts';

const HELD = 'lock-';
/** Announced by a contender that is not the owner yet. */
const WANTED = 'want-';
const TEMPORARY = '.tmp';
/** A folder's listing may miss a file that is renamed while it is read: one listing without anybody is none. */
const EMPTY_LOOKS = 2;
/** Rounds of looking, and of stepping back: each contender that steps back lets one more through. */
const TRIES = 200;
const LOOK_AGAIN_MS = 2;
const STEP_BACK_MS = 10;

/** A lock that somebody else holds. */
export interface Held {
  readonly owner: Owner;
  readonly file: string;
  /** Whether it is known that the owner lives. Else only a person can find out. */
  readonly certain: boolean;
}

/**
 * The living owners and contenders in a folder other than `mine`, with their files; what dead ones left is removed on the way. Null where
 * one has moved meanwhile: a contender that has just become the owner is neither where it was nor, in this listing, where it is.
 */
function others(directory: string, mine: string): Held[] | null {
  const living: Held[] = [];
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    if (!isLockFile(name) || name.endsWith(TEMPORARY) || file === mine) continue;
    const owner = readOwner(file);
    if (owner === 'moved') return null;
    // Every one has a name of its own, so what is removed here is this dead one's and nobody else's.
    const alive = owner !== 'damaged' && isAlive(owner);
    if (owner === 'damaged' || alive === false) rmSync(file, { force: true });
    else living.push({ owner, file, certain: alive === true });
  }
  return living;
}

/** Removes what processes left that died between writing a file and giving it its name; a living one that loses its file writes another. */
function removeTemporary(directory: string): void {
  for (const name of readdirSync(directory))
    if (isLockFile(name) && name.endsWith(TEMPORARY)) rmSync(path.join(directory, name), { force: true });
}

const LOCK_FILE = new RegExp(`^(?:${HELD}|${WANTED})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\\${TEMPORARY})?$`);

/** Whether a file in a locked folder is a lock's: not the folder's content, which may be somebody's lock-screen.png. */
export const isLockFile = (name: string): boolean => LOCK_FILE.test(name);

const isHeld = ({ file }: Held): boolean => path.basename(file).startsWith(HELD);

/** A folder that one process at a time works in. */
export class Lock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * Locks a folder, which must exist. Announce, then look: a contender puts down a file of its own, and becomes the owner only when it then
   * sees nobody else, twice. Of two, at least the later looker sees the other, so there are never two owners. Of several contenders all
   * but the one with the smallest name step back, so one gets through. No name is ever used again: whoever finds a dead one's file can
   * remove it.
   * @returns the lock, or who holds it and by which file
   */
  static async acquire(directory: string): Promise<Lock | Held> {
    for (let attempt = 1; ; attempt++) {
      const id = randomUUID();
      const wanted = path.join(directory, `${WANTED}${id}`);
      if (!announce(wanted)) continue;
      const seen = await becomeOnly(directory, wanted);
      if (seen === null) {
        const held = path.join(directory, `${HELD}${id}`);
        renameSync(wanted, held);
        removeTemporary(directory);
        return new Lock(held);
      }
      rmSync(wanted, { force: true });
      if (isHeld(seen) || attempt >= TRIES) return seen;
      await sleep(STEP_BACK_MS * (1 + Math.random()));
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  /**
   * Works in a folder, which must exist, while nobody else does.
   * @param options.refuse the error where somebody else still holds it after `tries` looks (one if not given), `waitMs` apart
   * @param options.between what is done before each wait, whose errors end it
   */
  static async holding<T>(
    directory: string,
    work: () => Promise<T> | T,
    { refuse, tries = 1, waitMs = 0, between }: { refuse(held: Held): Error; tries?: number; waitMs?: number; between?(): Promise<void> },
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const lock = await Lock.acquire(directory);
      if (lock instanceof Lock) {
        try {
          return await work();
        } finally {
          lock.release();
        }
      }
      if (attempt >= tries) throw refuse(lock);
      await between?.();
      await sleep(waitMs);
    }
  }
}

/** Puts a contender's file down. @returns false where a new owner has taken it for a dead one's before it had its name */
function announce(wanted: string): boolean {
  // Renamed into place: nobody reads a file whose owner is not written yet.
  writeFileSync(`${wanted}${TEMPORARY}`, JSON.stringify(thisProcess()));
  try {
    renameSync(`${wanted}${TEMPORARY}`, wanted);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Waits until nobody else is there, as long as all others are contenders that will step back. @returns null, or who is not going to */
async function becomeOnly(directory: string, wanted: string): Promise<Held | null> {
  for (let look = 1, empty = 0; ; look++) {
    const present = others(directory, wanted);
    if (present !== null) {
      const first = present.find(isHeld) ?? present.find(({ file }) => path.basename(file) < path.basename(wanted));
      if (first !== undefined) return first;
      empty = present.length === 0 ? empty + 1 : 0;
      if (empty === EMPTY_LOOKS) return null;
      if (look >= TRIES && present.length > 0) return present[0]!;
      if (empty > 0) continue;
    }
    await sleep(LOOK_AGAIN_MS);
  }
}

/**
 * Who is at work in a folder, and the way on for the person at the terminal: whether a process of another host or container still runs
 * that ran in no job of Slurm, and whether a number is still the same program's where the system does not tell, nobody but them can know.
 */
export const heldText = (directory: string, { owner, file }: Held): string =>
  `${ownerText(owner)} is at work in ${directory}. Wait for it, or stop it; if it has died, or is another program, remove ${file}.`;

/** "process 123", "process 123 on host node7", "process 123 on host node7 in Slurm's job 45_6". */
export const ownerText = (owner: Owner): string => {
  const elsewhere = owner.host === os.hostname() ? ` on another host named ${owner.host}` : ` on host ${owner.host}`;
  const where = isNear(owner) ? '' : isThisHost(owner) ? ' in another container' : elsewhere;
  return `process ${owner.pid}${where}${owner.slurm === undefined ? '' : ` in Slurm's job ${owner.slurm.id}`}`;
};
