import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isAlive, readOwner, thisProcess } from './owner.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** In every folder: whose it is. */
const OWNER = 'owner.json';

/** Folders of this process. */
const folders: string[] = [];

/**
 * Makes a folder in the system's folder for temporary files that goes when this process does, also by a signal. What a process left that
 * could not tidy up, as one that was killed, is removed by the next one that makes such a folder.
 * @param kind what is kept in it, as part of its name: letters
 */
export function scratchFolder(kind: string): string {
  const prefix = `controllab-${kind}-`;
  removeOfDead(prefix);
  const folder = mkdtempSync(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  if (folders.length === 0) {
    process.on('exit', removeOwn);
    // Before a listener that takes itself off at its first signal, as a training's does, which goes on for a step.
    for (const signal of SIGNALS) process.prependListener(signal, endTidily);
  }
  folders.push(folder);
  writeFileSync(path.join(folder, OWNER), JSON.stringify(thisProcess()));
  return folder;
}

/** Listeners to a signal that do not keep it from ending the process: such a one tidies up and then raises it again. */
export const tidyingListeners = (signal: string): number =>
  process.listeners(signal as NodeJS.Signals).filter((listener) => listener === endTidily).length;

function endTidily(signal: NodeJS.Signals): void {
  // Who else listens decides when the process ends, and may still read what is there.
  if (process.listenerCount(signal) > 1) return;
  removeOwn();
  for (const one of SIGNALS) process.off(one, endTidily);
  process.kill(process.pid, signal);
}

function removeOwn(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A folder of which it is not certain that its process has ended stays, and so does another user's. */
function removeOfDead(prefix: string): void {
  const parent = os.tmpdir();
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const folder = path.join(parent, name);
    try {
      const stat = lstatSync(folder);
      if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) continue;
      const owner = readOwner(path.join(folder, OWNER));
      if (typeof owner !== 'string' && isAlive(owner) === false) rmSync(folder, { recursive: true, force: true });
    } catch {
      // What cannot be removed does not keep a new one from being made.
    }
  }
}
