import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from './errors.ts';
import { systemProblem } from './system-problem.ts';

/** What `unfinished` calls the file by which a folder was tried, where a process was killed at that very moment. */
export const FOLDER_PROBE = '.folder';

/**
 * Whether a file, or the files of a folder, can be written: to be asked before anything is computed. It is tried, under a temporary name as
 * long as those of the writers, and nothing is left behind. Folders that are missing are made by whoever writes.
 * @throws DataError file-write naming the path and what is in the way
 */
export async function checkOutput(target: string, kind: 'file' | 'folder'): Promise<void> {
  const fail = (why: string, cause?: unknown): never => {
    throw new DataError('file-write', `${target} cannot be written: ${why}`, { target }, { cause });
  };
  if (target === '') fail('its name is empty');
  const found = await stat(target).catch(() => null);
  if (found !== null) {
    if (kind === 'file' && found.isDirectory()) fail('it is a folder; name a file');
    if (kind === 'file' && !found.isFile()) fail('it is no ordinary file; name another one');
    if (kind === 'folder' && !found.isDirectory()) fail('it is a file; name a folder');
  }
  const place = path.resolve(target);
  const folder = kind === 'folder' ? place : path.dirname(place);
  const probe = path.join(folder, `${kind === 'folder' ? FOLDER_PROBE : `.${path.basename(place)}`}.${randomUUID()}.tmp`);
  let made: string | undefined;
  try {
    made = await mkdir(folder, { recursive: true });
    await (await open(probe, 'wx')).close();
  } catch (error) {
    fail(systemProblem(error) ?? (error as Error).message, error);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
    if (made !== undefined) await removeEmpty(folder, made);
  }
}

/** Removes the empty folders from `folder` up to `top`. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top); at = path.dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
