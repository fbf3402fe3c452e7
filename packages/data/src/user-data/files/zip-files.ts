import { DataError } from '../../errors.ts';
import { placeOf } from '../../image-sources/links.ts';
import { openZipFiles } from '../../image-sources/zip/open-zip.ts';
import { bytesOf, checkName, type FileSet } from './file-set.ts';

/** A zip whose files are read by name, in any order. */
export async function zipFiles(path: string): Promise<FileSet> {
  const zip = await openZipFiles(path);
  const read = async (name: string): Promise<Buffer> => {
    checkName(name);
    const bytes = zip.read(placeOf(name));
    if (bytes === null) throw new DataError('file-read', `${name}: there is no such file in ${path}`, { name });
    return bytes;
  };
  return {
    path,
    names: async () => zip.names,
    read,
    open: async (name) => bytesOf(await read(name)),
    close: async () => zip.close(),
  };
}
