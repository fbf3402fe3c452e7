import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../errors.ts';
import type { ImageEntry } from './image-source.ts';
import { extensionOf, isImageName, naturally, Skipped } from './names.ts';

/**
 * Names of a folder's images, webdataset shards (whole paths) and other files, subfolders included, each in natural order. Links are
 * followed, each folder once.
 */
export async function listFolder(root: string): Promise<{ images: string[]; shards: string[]; skipped: Skipped }> {
  const images: string[] = [];
  const shards: string[] = [];
  const skipped = new Skipped();
  const seen = new Set<string>();
  const walk = async (relative: string): Promise<void> => {
    const directory = path.join(root, relative);
    const real = await realpath(directory);
    if (seen.has(real)) return;
    seen.add(real);
    for (const { name } of (await readdir(directory, { withFileTypes: true })).sort((a, b) => naturally(a.name, b.name))) {
      const inside = relative === '' ? name : `${relative}/${name}`;
      const found = await stat(path.join(root, inside)).catch((error: Error) => {
        throw new DataError('file-read', `cannot read ${path.join(root, inside)}: ${error.message}`, { file: inside });
      });
      if (found.isDirectory()) await walk(inside);
      else if (isImageName(inside, root)) images.push(inside);
      else if (extensionOf(name) === 'tar') shards.push(path.join(root, inside));
      else skipped.add(inside);
    }
  };
  await walk('');
  return { images, shards, skipped };
}

export async function* readFolder(root: string, names: readonly string[], only?: ReadonlySet<string>): AsyncGenerator<ImageEntry> {
  for (const name of names) {
    if (only && !only.has(name)) continue;
    const bytes = await readFile(path.join(root, name)).catch((error: Error) => {
      throw new DataError('file-read', `cannot read ${path.join(root, name)}: ${error.message}`, { file: name });
    });
    yield { name, bytes, caption: null };
  }
}
