import { readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { processStart } from './process-start.ts';
import { checkedJob, hasEnded, slurmJob, type SlurmJob } from './slurm-job.ts';

/** Whose a lock, or a folder, is. */
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

/** This process. */
export const thisProcess = (): Owner => {
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
 * Whether the owner still runs; null where nobody can tell, and what it left is never taken for a dead one's: on another host, unless it
 * ran in a job of this cluster. Who was told to be dead stays dead, so it does not matter when contenders come to know it.
 */
export function isAlive(owner: Owner): boolean | null {
  if (isNear(owner)) return processStart(owner.pid) === owner.started;
  const ended = owner.slurm === undefined ? null : hasEnded(owner.slurm);
  return ended === null ? null : !ended;
}

/** Whether its process can be looked up from here. */
export const isNear = (owner: Owner): boolean => isThisHost(owner) && owner.space === processSpace();

/** By its id too, where both have one: of two hosts with one name neither may take the other's living process for a dead one of its own. */
export function isThisHost({ host, machine }: Owner): boolean {
  const own = machineId();
  return host === os.hostname() && (machine === undefined || own === undefined || machine === own);
}

/**
 * Who put a file down; `moved` where it has been released, or has become the owner's, since the folder was listed; `damaged` where a power
 * cut left half of it.
 */
export function readOwner(file: string): Owner | 'moved' | 'damaged' {
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
