import { stat } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory } from '../../cache/cache-directory.ts';
import { cachedBytes } from '../../cache/cached-bytes.ts';
import { DataError } from '../../errors.ts';
import { isHidden } from '../../image-sources/kinds.ts';
import { MAX_ENTRIES } from '../../image-sources/limits.ts';
import { followed, leadsOut, linkPlace, placeOf } from '../../image-sources/links.ts';
import { naturally } from '../../image-sources/names.ts';
import { openBytes } from '../../image-sources/tar/byte-source.ts';
import { tarMembers, type TarMember } from '../../image-sources/tar/tar-members.ts';
import { sha256 } from '../../sha256.ts';
import { systemProblem } from '../../system-problem.ts';
import { checkName, Spellings, stampOf, type FileSet } from './file-set.ts';
import { openLocal, readAll } from './local-folder.ts';

/** A file of a tar: where its bytes lie. */
export interface TarPlace {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Raise with every change of the code that alters which files a tar has. */
const INDEX_REVISION = 1;
/** From so many bytes on, what was found in a tar is kept on disk: below, going through it again takes no time. */
const KEPT_FROM = 64 * 2 ** 20;

/**
 * All files of a tar that are not hidden, in its order. Links are files like those they lead to. Of a large tar that is listed in a file
 * of the cache, which holds for its path, size and time of change; one that is damaged or of another time is made again.
 * @throws DataError unsupported-archive for a packed one, invalid-archive, archive-limit, duplicate-name, naming the entry
 */
export async function indexTar(
  file: string,
  { cache = cacheDirectory(), keptFrom = KEPT_FROM }: { cache?: string; keptFrom?: number } = {},
): Promise<readonly TarPlace[]> {
  if (/gz$/i.test(file))
    throw new DataError(
      'unsupported-archive',
      `${file} is packed as a whole, so that its pictures cannot be read in any order: unpack it with gunzip`,
      {
        file,
      },
    );
  const found = await stat(file, { bigint: true }).catch((error: Error) => {
    throw new DataError('file-read', systemProblem(error) ?? error.message, { file }, { cause: error });
  });
  if (found.size < keptFrom) return placesOf(file);
  const whole = path.resolve(file);
  const description = { index: INDEX_REVISION, file: whole, size: Number(found.size), changed: String(found.mtimeNs) };
  const base = path.join(cache, 'tar-index', sha256(whole));
  let made: readonly TarPlace[] | null = null;
  try {
    const { bytes } = await cachedBytes(base, description, async () => Buffer.from(JSON.stringify((made = await placesOf(file)))));
    return made ?? (JSON.parse(Buffer.from(bytes).toString('utf8')) as TarPlace[]);
  } catch (error) {
    // A cache that cannot be read or written costs time, and nothing else.
    if (error instanceof DataError) throw error;
    return made ?? placesOf(file);
  }
}

/** Goes through a tar. */
async function placesOf(file: string): Promise<readonly TarPlace[]> {
  const source = await openBytes(file, { gzip: false });
  try {
    const files = new Map<string, TarMember>();
    const links = new Map<string, string>();
    const names: string[] = [];
    for await (const member of tarMembers(file, source)) {
      const { name, kind } = member;
      if (kind === 'other') continue;
      if (leadsOut(name)) throw new DataError('invalid-archive', `${file}: the entry "${name}" leads out of the archive`, { file, name });
      if (kind === 'sparse file')
        throw new DataError(
          'unsupported-archive',
          `${file}: ${name} is a sparse file, which is not read; make the archive without --sparse`,
          {
            file,
            name,
          },
        );
      const place = placeOf(name);
      if (isHidden(place)) continue;
      if (names.length === MAX_ENTRIES) throw new DataError('archive-limit', `${file} holds more than ${MAX_ENTRIES} files`, { file });
      if (files.has(place) || links.has(place))
        throw new DataError('duplicate-name', `${file} holds two files named ${place}`, { file, name });
      names.push(place);
      if (kind === 'file') files.set(place, member);
      else links.set(place, kind === 'hard link' ? placeOf(member.link) : linkPlace(place, member.link));
    }
    return names.flatMap((name) => {
      const found = followed(file, name, files, links);
      return found === null ? [] : [{ name, offset: found.offset, size: found.size }];
    });
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError('invalid-archive', `${file} is damaged, cut short or no tar archive: ${(error as Error).message}`, { file });
  } finally {
    await source.close();
  }
}

/**
 * A tar whose files are read by name, in any order.
 * @returns with the names in its own order
 */
export async function tarFiles(file: string): Promise<{ files: FileSet; inOrder: readonly string[] }> {
  const listed = await indexTar(file);
  const places = new Map(listed.map((place) => [place.name, place]));
  const bytes = await openLocal(file);
  const names = [...places.keys()].sort(naturally);
  const spellings = new Spellings(async () => names);
  const open: FileSet['open'] = async (name) => {
    checkName(name, 'archive');
    const place = places.get(placeOf(name)) ?? places.get(await spellings.meant(name, file))!;
    return {
      size: place.size,
      read: (at, length) => bytes.read(place.offset + at, Math.max(0, Math.min(length, place.size - at))),
    };
  };
  const files: FileSet = {
    path: file,
    names: async () => names,
    open,
    read: async (name) => readAll(await open(name), name),
    stamp: async (name) => stampOf(await open(name)),
    close: async () => {},
  };
  return { files, inOrder: listed.map(({ name }) => name) };
}
