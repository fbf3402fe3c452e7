import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256, writeAtomic } from '@controllab/data';

/** Holds what texts were when they were written into a training's folder, as sha256 by name: what is another by now was edited there. */
const WRITTEN = 'written.json';

/** What was written into a folder; nothing where that is not known. */
async function writtenIn(folder: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path.join(folder, WRITTEN), 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/**
 * Writes a text of a training that people edit, such as its model card. What somebody has edited stays: the text goes beside it, into
 * `NAME.new.md`.
 * @returns the name that it has, or null where both are edited; either is said
 */
export async function writeOwnText(folder: string, name: string, text: string, say: (message: string) => void): Promise<string | null> {
  const written = await writtenIn(folder);
  const { name: stem, ext } = path.parse(name);
  const beside = `${stem}.new${ext}`;
  for (const place of [name, beside]) {
    const there = await readFile(path.join(folder, place), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (there !== null && there !== text && sha256(there) !== written[place]) continue;
    if (place !== name) say(`${name} was edited, and stays; what it would be now is ${place}`);
    await writeAtomic(path.join(folder, place), text);
    await writeAtomic(path.join(folder, WRITTEN), `${JSON.stringify({ ...written, [place]: sha256(text) }, null, 2)}\n`);
    return place;
  }
  say(`${name} and ${beside} were edited, and stay: move one away to have what it would be now`);
  return null;
}
