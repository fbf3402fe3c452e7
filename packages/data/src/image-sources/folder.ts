import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isContactSheet, maybeContactSheet, SHEET_HEAD_BYTES } from '../contact-sheet.ts';
import { DataError } from '../errors.ts';
import { filesOfReports } from '../reports.ts';
import type { ImageEntry } from './image-source.ts';
import { HEAD_BYTES, isHidden, kindByContent, kindByName, unreadable } from './kinds.ts';
import { naturally } from './names.ts';
import { Skipped } from './skipped.ts';

const cannotRead = (root: string, name: string, cause: Error): DataError =>
  new DataError(
    'file-read',
    `cannot read ${path.join(root, name)}: ${name.includes('\ufffd') ? 'its name is not UTF-8; rename it' : cause.message}`,
    { file: name },
  );

/**
 * Names of a folder's images, webdataset shards (whole paths) and other files, subfolders included, each in natural order. Links are
 * followed, each folder once.
 */
export async function listFolder(root: string): Promise<{ images: string[]; shards: string[]; skipped: Skipped }> {
  const images: string[] = [];
  const shards: string[] = [];
  const skipped = new Skipped();
  const files = await walk(root, skipped);
  const isReports = await filesOfReports(files, async (name, maxBytes) => {
    const { size } = await stat(path.join(root, name));
    return size > maxBytes ? null : await readFile(path.join(root, name), 'utf8').catch(fail(root, name));
  });
  for (const name of files) {
    if (isReports(name)) skipped.add('report', [name]);
    else if (await isImage(root, name)) {
      if (await isSheet(root, name)) skipped.add('sheet', [name]);
      else images.push(name);
    } else if (/\.(tar|tar\.gz|tgz)$/i.test(name)) shards.push(path.join(root, name));
    else skipped.add('other', [name]);
  }
  return { images, shards, skipped };
}

const fail =
  (root: string, name: string) =>
  (error: Error): never => {
    throw cannotRead(root, name, error);
  };

/** Names of all ordinary files that are not hidden. */
async function walk(root: string, skipped: Skipped): Promise<string[]> {
  const files: string[] = [];
  const seen = new Set<string>();
  const visit = async (relative: string): Promise<void> => {
    const directory = path.join(root, relative);
    const real = await realpath(directory).catch(fail(root, relative));
    if (seen.has(real)) return;
    seen.add(real);
    const names = await readdir(directory).catch(fail(root, relative));
    for (const name of names.sort(naturally)) {
      const inside = relative === '' ? name : `${relative}/${name}`;
      if (isHidden(name)) {
        skipped.add('hidden', [inside]);
        continue;
      }
      const found = await stat(path.join(root, inside)).catch((error: Error) => {
        // A link that leads nowhere is no loss, unless it is named like an image.
        if (kindByName(name) === 'image' || name.includes('\ufffd')) throw cannotRead(root, inside, error);
        return null;
      });
      if (found?.isDirectory()) await visit(inside);
      else if (found?.isFile()) files.push(inside);
      else if (kindByName(name) === 'image')
        throw new DataError('file-read', `${path.join(root, inside)} is a pipe, a socket or a device; images are ordinary files`, {
          file: inside,
        });
      else skipped.add('other', [inside]);
    }
  };
  await visit('');
  return files;
}

/** By its name, or, where that says nothing, by how it begins. @throws DataError unsupported-image, file-read */
async function isImage(root: string, name: string): Promise<boolean> {
  const named = kindByName(name);
  const kind = named === 'unnamed' ? kindByContent(await headOf(root, name, HEAD_BYTES)) : named;
  if (kind === 'unreadable') throw unreadable(root, name);
  return kind === 'image';
}

const isSheet = async (root: string, name: string): Promise<boolean> =>
  maybeContactSheet(name) && isContactSheet(await headOf(root, name, SHEET_HEAD_BYTES));

async function headOf(root: string, name: string, length: number): Promise<Uint8Array> {
  const file = await open(path.join(root, name)).catch(fail(root, name));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0).catch(fail(root, name));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export async function* readFolder(root: string, names: readonly string[], only?: ReadonlySet<string>): AsyncGenerator<ImageEntry> {
  for (const name of names) {
    if (only && !only.has(name)) continue;
    yield { name, bytes: await readFile(path.join(root, name)).catch(fail(root, name)), caption: null };
  }
}
