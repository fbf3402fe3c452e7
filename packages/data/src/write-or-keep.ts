import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DataError } from './errors.ts';
import { systemProblem } from './system-problem.ts';

/**
 * Writes what took long to compute into a folder. Where the system refuses that place by now (its disk has become full, it is gone), it is
 * written into a new folder for temporary files, which the error names.
 * @param write writes into the folder that it is given
 * @throws DataError file-write, naming what is in the way and where everything lies; what `write` throws, where the system is no reason
 * for it, or takes no files elsewhere either
 */
export async function writeOrKeep<T>(folder: string, write: (folder: string) => Promise<T>): Promise<T> {
  try {
    return await write(folder);
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === null) throw error;
    const kept = await mkdtemp(path.join(os.tmpdir(), 'controllab-kept-')).catch(() => null);
    if (kept === null) throw error;
    try {
      await write(kept);
    } catch {
      await rm(kept, { recursive: true, force: true });
      throw error;
    }
    throw new DataError('file-write', `${problem} What was computed lies in ${kept}.`, { folder, kept }, { cause: error });
  }
}
