import { stat } from 'node:fs/promises';
import { DataError } from '../errors.ts';
import { listFolder, readFolder } from './folder.ts';
import { noImages, type Skipped } from './skipped.ts';
import { openTar } from './tar/open-tar.ts';
import { openZip } from './zip/open-zip.ts';

export interface ImageEntry {
  /** Unique within its set: the path below the folder, or the name in the archive. */
  name: string;
  /** The file's bytes, not decoded. */
  bytes: Uint8Array;
  /** From a webdataset's .txt of the same sample. */
  caption: string | null;
}

/** A set of image files, read one after the other. */
export interface ImageSource {
  readonly path: string;
  readonly kind: 'folder' | 'zip' | 'webdataset';
  /** In reading order. */
  readonly names: readonly string[];
  readonly skipped: Skipped;
  /** All images, or those named `only`. @throws DataError invalid-archive, file-read, naming the file */
  entries(only?: ReadonlySet<string>): AsyncGenerator<ImageEntry>;
}

export interface ImageSourceOptions {
  /** Whether a webdataset's captions are wanted (true): only then they have to be texts. */
  readonly captions?: boolean;
  /** Of a webdataset's captions that are not UTF-8, see `decodeText`. */
  readonly encoding?: string | undefined;
  /** Which pictures of a webdataset's samples are meant where they have several: `jpg`, `seg.png`, `*` for all. */
  readonly component?: string | undefined;
}

/**
 * Opens a folder (with its subfolders, in natural order), a .zip, a webdataset's .tar, .tar.gz or .tgz, or a folder of such shards.
 * Images are found by their names, or, where these say nothing, by how the files begin; what is hidden, a system's, a report's or a contact
 * sheet of `generate` is passed over and told in `skipped`. Nothing is unpacked to disk, and names in archives are never used as paths.
 * @throws DataError file-read for a path that is not there; empty-input where there is no image; unsupported-archive; ambiguous-component;
 * invalid-text for a caption; unsupported-image, invalid-archive, archive-limit, duplicate-name, naming the entry
 */
export async function openImageSource(path: string, options: ImageSourceOptions = {}): Promise<ImageSource> {
  const found = await stat(path).catch((error: Error) => {
    throw new DataError('file-read', `cannot open the images ${path}: ${error.message}`, { path });
  });
  if (found.isDirectory()) {
    const { images, shards, skipped } = await listFolder(path);
    if (images.length === 0 && shards.length > 0) return openTar(path, shards, options, skipped);
    skipped.add('other', shards);
    if (images.length === 0) throw noImages(path, skipped);
    return { path, kind: 'folder', names: images, skipped, entries: (only) => readFolder(path, images, only) };
  }
  if (/\.(tar|tar\.gz|tgz)$/i.test(path)) return openTar(path, [path], options);
  if (!/\.zip$/i.test(path)) {
    throw new DataError(
      'unsupported-archive',
      `${path} is neither a folder nor a .zip, .tar, .tar.gz or .tgz${/\.(gz|zst|xz|bz2|7z|rar)$/i.test(path) ? '; unpack it first' : ''}`,
      { path },
    );
  }
  const zip = await openZip(path);
  if (zip.names.length === 0) throw noImages(path, zip.skipped);
  return { path, kind: 'zip', ...zip };
}
