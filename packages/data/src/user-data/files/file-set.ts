import { DataError } from '../../errors.ts';
import { leadsOut, placeOf } from '../../image-sources/links.ts';
import { comparedName } from '../../image-sources/names.ts';
import { sha256 } from '../../sha256.ts';

/** A file's bytes, from any place of it. */
export interface RandomBytes {
  readonly size: number;
  /** Fewer than asked for only where the file ends. */
  read(at: number, length: number): Promise<Buffer>;
}

/** A folder or an archive whose files are read by name, in any order. */
export interface FileSet {
  readonly path: string;
  /** Of all its files that are not hidden, in natural order; those of a folder are looked for when this is called. */
  names(): Promise<readonly string[]>;
  /** @param name with forward slashes, relative to the set. @throws DataError naming a file that is not there or leads out */
  read(name: string): Promise<Uint8Array>;
  /** The same without reading it whole. */
  open(name: string): Promise<RandomBytes>;
  /** Changes with what a file holds, and is had without reading it whole: its size, with how it ends or its checksum. */
  stamp(name: string): Promise<string>;
  close(): Promise<void>;
}

export const bytesOf = (bytes: Buffer): RandomBytes => ({
  size: bytes.length,
  read: async (at, length) => bytes.subarray(at, at + length),
});

/** Bytes at a file's end: PNG has a checksum of its pixels there, JPEG the end of one stream, and most captions are shorter. */
const TAIL = 4096;

/** What `FileSet.stamp` is of a file that has no checksum. */
export async function stampOf({ size, read }: RandomBytes): Promise<string> {
  const length = Math.min(size, TAIL);
  return `${size} ${sha256(await read(size - length, length))}`;
}

/** A name as names are compared: `img\\a.png` of Windows is `img/a.png`, and letters are composed. */
const keyOf = (name: string): string => placeOf(comparedName(name.replaceAll('\\', '/')));

/** Finds the file of a set that a name means, where none is called so to the byte. */
export class Spellings {
  readonly #names: () => Promise<readonly string[]>;
  #byLetters: Promise<ReadonlyMap<string, readonly string[]>> | null = null;

  /** @param names of all files of the set; asked for with the first name that is not found */
  constructor(names: () => Promise<readonly string[]>) {
    this.#names = names;
  }

  /**
   * The one file of that name in other slashes, or with its letters composed otherwise.
   * @param set names it in the message
   * @throws DataError file-read where there is none, naming one that differs in capitals
   */
  async meant(name: string, set: string): Promise<string> {
    const alike = (await (this.#byLetters ??= this.#list())).get(keyOf(name).toLowerCase()) ?? [];
    const [found, ...more] = alike.filter((one) => keyOf(one) === keyOf(name));
    if (found !== undefined && more.length === 0) return found;
    const hint = alike.length === 0 ? '' : `; a file of that name in other letters is there: ${alike[0]}`;
    throw new DataError('file-read', `${name}: there is no such file in ${set}${hint}`, { name });
  }

  async #list(): Promise<ReadonlyMap<string, readonly string[]>> {
    const byLetters = new Map<string, string[]>();
    // Of a folder that cannot be listed the name stands as it is.
    for (const name of await this.#names().catch(() => [])) {
      const letters = keyOf(name).toLowerCase();
      byLetters.set(letters, [...(byLetters.get(letters) ?? []), name]);
    }
    return byLetters;
  }
}

/** A part of a set: names are relative to a folder of it. */
export function inFolder(files: FileSet, folder: string): FileSet {
  if (folder === '' || folder === '.') return files;
  return {
    path: `${files.path}/${folder}`,
    names: async () => (await files.names()).filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1)),
    read: (name) => files.read(joined(folder, name)),
    open: (name) => files.open(joined(folder, name)),
    stamp: (name) => files.stamp(joined(folder, name)),
    close: () => files.close(),
  };
}

/** An absolute name stays what it is, for the set to refuse or take. */
const joined = (folder: string, name: string): string => (/^([\\/]|[a-z]:[\\/])/i.test(name) ? name : `${folder}/${name}`);

/**
 * @param set what it is a name in: an archive has no files but its own, whatever is allowed
 * @throws DataError outside for a name that is absolute or goes up, invalid-row for an address
 */
export function checkName(name: string, set: 'folder' | 'archive'): void {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name))
    throw new DataError('invalid-row', `"${name}" is an address: download the pictures first, and name the files`, { name });
  if (name.trim() === '' || name.includes('\0')) throw new DataError('invalid-row', 'it names no picture', { name });
  if (!leadsOut(name)) return;
  const advice = set === 'archive' ? 'an archive has its own files alone' : 'allow that with --allow-outside, if you trust who made it';
  throw new DataError('outside', `"${name}" lies outside the data; ${advice}`, { name });
}
