import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from './process-start.ts';
import { checkedJob, hasEnded, slurmJob, type SlurmJob } from './slurm-job.ts';

/** Who holds a lock. */
export interface Owner {
  readonly host: string;
  /** The installed system's own id, where it has one: hosts of one name that share a folder have each their own. */
  readonly machine?: string;
  /** In which space of process numbers: containers on one host have their own. */
  readonly space: string;
  readonly pid: number;
  /** See `processStart`: a number that was given to another process since is no owner. */
  readonly started: string;
  /** What it ends with, in a job of Slurm: other nodes of the cluster can ask for that. */
  readonly slurm?: SlurmJob;
}

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

const processSpace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return process.platform;
  }
};

const machineId = (): string | undefined => {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
};

const self = (): Owner => {
  const [slurm, machine] = [slurmJob(), machineId()];
  return {
    host: os.hostname(),
    ...(machine === undefined ? {} : { machine }),
    space: processSpace(),
    pid: process.pid,
    started: processStart(process.pid)!,
    ...(slurm === undefined ? {} : { slurm }),
  };
};

/**
 * Whether the owner still runs; null where nobody can tell, and its lock is never taken for a dead one's: on another host, unless it ran in
 * a job of this cluster. Who was told to be dead stays dead, so it does not matter when contenders come to know it.
 */
function isAlive(owner: Owner): boolean | null {
  if (isNear(owner)) return processStart(owner.pid) === owner.started;
  const ended = owner.slurm === undefined ? null : hasEnded(owner.slurm);
  return ended === null ? null : !ended;
}

/** Whether its process can be looked up from here. */
const isNear = (owner: Owner): boolean => isThisHost(owner) && owner.space === processSpace();

/** By its id too, where both have one: of two hosts with one name neither may take the other's living process for a dead one of its own. */
function isThisHost({ host, machine }: Owner): boolean {
  const own = machineId();
  return host === os.hostname() && (machine === undefined || own === undefined || machine === own);
}

/**
 * Who put a file down; `moved` where it has been released, or has become the owner's, since the folder was listed; `damaged` where a power
 * cut left half of it.
 */
function readOwner(file: string): Owner | 'moved' | 'damaged' {
  let owner: Partial<Owner> | null;
  try {
    owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner> | null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'moved';
    // A living process's file is renamed into place whole.
    if (error instanceof SyntaxError) return 'damaged';
    throw error;
  }
  const isOwner = typeof owner?.host === 'string' && typeof owner.space === 'string' && Number.isSafeInteger(owner.pid);
  if (!isOwner || typeof owner?.started !== 'string') return 'damaged';
  const { slurm: told, machine, ...rest } = owner as Owner;
  const slurm = checkedJob(told);
  return { ...rest, ...(typeof machine === 'string' ? { machine } : {}), ...(slurm === undefined ? {} : { slurm }) };
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
  writeFileSync(`${wanted}${TEMPORARY}`, JSON.stringify(self()));
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
