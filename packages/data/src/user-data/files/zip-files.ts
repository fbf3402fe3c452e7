import { placeOf } from '../../image-sources/links.ts';
import { openZipFiles } from '../../image-sources/zip/open-zip.ts';
import { bytesOf, checkName, Spellings, type FileSet } from './file-set.ts';

/** A zip whose files are read by name, in any order. */
export async function zipFiles(path: string): Promise<FileSet> {
  const zip = await openZipFiles(path);
  const spellings = new Spellings(async () => zip.names);
  const read = async (name: string): Promise<Buffer> => {
    checkName(name);
    return (zip.read(placeOf(name)) ?? zip.read(await spellings.meant(name, path)))!;
  };
  return {
    path,
    names: async () => zip.names,
    read,
    open: async (name) => bytesOf(await read(name)),
    close: async () => zip.close(),
  };
}
