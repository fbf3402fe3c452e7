import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

const TEMPORARY = /^(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** The name of the file that `writeAtomic` was writing when it was killed and left this one; null for any other file. */
export const unfinished = (name: string): string | null => TEMPORARY.exec(name)?.[1] ?? null;

/**
 * Writes a whole file or nothing: to a temporary name beside it, synced, then renamed over the old one. Makes the folder if it is missing.
 * Several may write one file at once, from other threads, processes and hosts too: the last one to finish stays.
 */
export const writeAtomic = async (file: string, data: string | Uint8Array): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // of a name that is too long it says so again
    // Of a full disk the system does not say which file was being written; of others it would name the temporary one.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file });
  }
};
