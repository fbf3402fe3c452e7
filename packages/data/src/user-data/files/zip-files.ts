import { placeOf } from '../../image-sources/links.ts';
import { openZipFiles } from '../../image-sources/zip/open-zip.ts';
import { bytesOf, checkName, Spellings, type FileSet } from './file-set.ts';

/** A zip whose files are read by name, in any order. */
export async function zipFiles(path: string): Promise<FileSet> {
  const zip = await openZipFiles(path);
  const spellings = new Spellings(async () => zip.names);
  const find = async <T>(name: string, of: (place: string) => T | null): Promise<T> => {
    checkName(name, 'archive');
    return of(placeOf(name)) ?? of(await spellings.meant(name, path))!;
  };
  const read = async (name: string): Promise<Buffer> => await find(name, zip.read);
  return {
    path,
    names: async () => zip.names,
    read,
    open: async (name) => bytesOf(await read(name)),
    stamp: (name) => find(name, zip.stamp),
    close: async () => zip.close(),
  };
}
