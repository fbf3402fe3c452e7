import { stat } from 'node:fs/promises';
import { DataError } from '../errors.ts';
import { listFolder, readFolder } from './folder.ts';
import { extensionOf, noImages, type Skipped } from './names.ts';
import { readTar } from './tar.ts';
import { openZip } from './zip.ts';

export interface ImageEntry {
  /** Unique within its set: the path below the folder, or the name in the archive. */
  name: string;
  /** The file's bytes, not decoded. */
  bytes: Uint8Array;
  /** From a webdataset's .txt of the same name. */
  caption: string | null;
}

/** A set of image files, read one after the other. */
export interface ImageSource {
  readonly path: string;
  readonly kind: 'folder' | 'zip' | 'webdataset';
  /** In reading order; null for a webdataset, which tells only while it is read. */
  readonly names: readonly string[] | null;
  /** Complete once everything was read. */
  readonly skipped: Skipped;
  /** All images, or those named `only`. @throws DataError invalid-archive, duplicate-name, file-read, naming the file */
  entries(only?: ReadonlySet<string>): AsyncGenerator<ImageEntry>;
}

/**
 * Opens a folder (with its subfolders, in natural order), a .zip, a webdataset's .tar, or a folder of such shards.
 * Nothing is unpacked to disk, and names in archives are never used as paths.
 * @throws DataError file-read for a path that is not there; empty-input where there is no image; unsupported-archive;
 * unsupported-image, invalid-archive, archive-limit, naming the entry
 */
export async function openImageSource(path: string): Promise<ImageSource> {
  const found = await stat(path).catch((error: Error) => {
    throw new DataError('file-read', `cannot open the images ${path}: ${error.message}`, { path });
  });
  if (found.isDirectory()) {
    const { images, shards, skipped } = await listFolder(path);
    if (images.length === 0 && shards.length > 0) return readTar(path, shards);
    skipped.add(...shards);
    if (images.length === 0) throw noImages(path, skipped);
    return { path, kind: 'folder', names: images, skipped, entries: (only) => readFolder(path, images, only) };
  }
  const extension = extensionOf(path);
  if (extension === 'tar') return readTar(path, [path]);
  if (extension !== 'zip') {
    throw new DataError(
      'unsupported-archive',
      `${path} is neither a folder nor a .zip or .tar${/\.(gz|tgz|zst|xz|bz2|7z|rar)$/i.test(path) ? '; unpack it first' : ''}`,
      { path },
    );
  }
  const zip = await openZip(path);
  if (zip.names.length === 0) throw noImages(path, zip.skipped);
  return { path, kind: 'zip', ...zip };
}
