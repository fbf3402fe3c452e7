import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../../errors.ts';
import { isHidden } from '../../image-sources/kinds.ts';
import { MAX_ENTRY_BYTES } from '../../image-sources/limits.ts';
import { leadsOut } from '../../image-sources/links.ts';
import { naturally } from '../../image-sources/names.ts';
import { systemProblem } from '../../system-problem.ts';
import { checkName, Spellings, stampOf, type FileSet, type RandomBytes } from './file-set.ts';

/**
 * An ordinary file. It is opened for each read: nobody has to close it, and sets of ten thousand shards have no limit of open files.
 * @throws DataError file-read
 */
export async function openLocal(file: string): Promise<RandomBytes> {
  const fail = (why: string, cause?: Error): never => {
    throw new DataError('file-read', why, { file }, { cause });
  };
  const told = (error: Error): never => fail(systemProblem(error) ?? error.message, error);
  // A pipe would be waited for: what is opened is known to be a file.
  const found = await stat(file).catch(told);
  if (!found.isFile()) fail(`${file} is a folder, a pipe, a socket or a device; an ordinary file is needed`);
  return {
    size: found.size,
    async read(at, length) {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, found.size - at)));
      const handle = await open(file).catch(told);
      try {
        let filled = 0;
        while (filled < buffer.length) {
          const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, at + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return buffer.subarray(0, filled);
      } finally {
        await handle.close();
      }
    },
  };
}

/** All bytes of a picture's file. @throws DataError image-too-large */
export async function readAll(file: RandomBytes, name: string): Promise<Uint8Array> {
  if (file.size > MAX_ENTRY_BYTES)
    throw new DataError('image-too-large', `${name} has ${file.size} bytes, the limit is ${MAX_ENTRY_BYTES}`, { name, size: file.size });
  return file.read(0, file.size);
}

/**
 * A folder of this machine. Files are where their names say, or, where nothing is, where `Spellings` finds them; one that lies outside, by
 * `..`, as an absolute path or behind a link, is refused unless that is allowed.
 * @throws DataError file-read where there is none
 */
export async function localFolder(root: string, { allowOutside = false }: { allowOutside?: boolean } = {}): Promise<FileSet> {
  const real = await realpath(root).catch((error: Error) => {
    throw new DataError('file-read', systemProblem(error) ?? error.message, { path: root }, { cause: error });
  });
  let listed: Promise<readonly string[]> | null = null;
  const names = (): Promise<readonly string[]> => (listed ??= walk(real));
  const spellings = new Spellings(names);
  const placeOf = async (name: string): Promise<string> => {
    if (!allowOutside) checkName(name, 'folder');
    let file = path.resolve(real, name);
    let target = await realpath(file).catch(() => null);
    if (target === null && !leadsOut(name)) {
      file = path.join(real, await spellings.meant(name, root));
      target = await realpath(file).catch(() => null);
    }
    if (!allowOutside && target !== null && target !== real && !target.startsWith(real === path.sep ? real : real + path.sep))
      throw new DataError('outside', `"${name}" is a link that leads outside the data, to ${target}; allow that with --allow-outside`, {
        name,
      });
    return file;
  };
  const openFile = async (name: string): Promise<RandomBytes> => openLocal(await placeOf(name));
  return {
    path: root,
    names,
    open: openFile,
    read: async (name) => readAll(await openFile(name), name),
    stamp: async (name) => stampOf(await openFile(name)),
    close: async () => {},
  };
}

/** Files of a folder and its subfolders that are not hidden; links to folders are followed, each folder once. */
async function walk(root: string): Promise<readonly string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  const visit = async (inside: string): Promise<void> => {
    const real = await realpath(path.join(root, inside));
    if (seen.has(real)) return;
    seen.add(real);
    for (const entry of (await readdir(path.join(root, inside), { withFileTypes: true })).sort((a, b) => naturally(a.name, b.name))) {
      if (isHidden(entry.name)) continue;
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const isFolder =
        entry.isDirectory() ||
        (entry.isSymbolicLink() &&
          (await stat(path.join(root, name)).then(
            (found) => found.isDirectory(),
            () => false,
          )));
      if (isFolder) await visit(name);
      else names.push(name);
    }
  };
  await visit('');
  return names;
}
