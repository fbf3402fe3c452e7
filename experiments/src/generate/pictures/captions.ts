import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { csvText, parseCsv, writeAtomic } from '@controllab/data';
import { ExperimentError } from '../../runner/errors.ts';
import { promptOfPicture } from './picture-file.ts';

/** The columns that `evaluate --captions` reads, and `train --data` too. */
const COLUMNS = ['file', 'caption'];

/** A folder's captions.csv: a row for each picture that was written there by this command, in this run or before. */
export interface FolderCaptions {
  readonly file: string;
  /** @throws ExperimentError invalid-option where the file is there and says anything else than what would be written */
  check(): Promise<void>;
  /** Writes the file anew. Others may write pictures there at the same time: whoever comes last lists them all. */
  write(): Promise<void>;
}

const missing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

/** The captions of a folder, which need not be there yet: a picture's is its prompt as it was given, which it carries. */
export function captionsOf(folder: string): FolderCaptions {
  const file = path.join(folder, 'captions.csv');
  /** Of files that were read; null: none of ours. */
  const known = new Map<string, string | null>();

  /** @returns whether there is another picture than before */
  const look = async (): Promise<boolean> => {
    const names = ((await readdir(folder).catch(missing)) ?? []).filter((name) => name.endsWith('.png'));
    const there = new Set(names);
    const gone = [...known.keys()].filter((name) => !there.has(name));
    const found = names.filter((name) => !known.has(name));
    for (const name of gone) known.delete(name);
    let changed = gone.length > 0;
    for (const name of found) {
      const bytes = await readFile(path.join(folder, name)).catch(missing);
      // An empty one is a name that another process took for what it writes next.
      if (bytes === null || bytes.length === 0) continue;
      known.set(name, promptOfPicture(bytes));
      changed = true;
    }
    return changed;
  };

  return {
    file,
    async check() {
      const bytes = await readFile(file).catch(missing);
      if (bytes === null) return;
      await look();
      const refuse = (why: string): never => {
        throw new ExperimentError(
          'invalid-option',
          `generate: ${file} is not as this command writes it (${why}); move or delete it, and it is written for all pictures there, or name another --out.`,
          { file },
        );
      };
      const [header, ...rows] = parseCsv(bytes.toString('utf8'), refuse, { file }).rows.map(({ record }) => record);
      if (header?.join() !== COLUMNS.join()) refuse(`its columns are not ${COLUMNS.join(' and ')}`);
      const other = rows.findIndex(([name = '', caption]) => known.get(name) !== caption);
      if (other >= 0) refuse(`row ${other + 2}: ${rows[other]![0]} is no picture of ours with that prompt`);
    },
    async write() {
      await look();
      do {
        const rows = [...known].flatMap(([name, caption]) => (caption === null ? [] : [[name, caption]]));
        await writeAtomic(file, csvText([COLUMNS, ...rows.sort(([a], [b]) => (a! < b! ? -1 : 1))]));
      } while (await look());
    },
  };
}
