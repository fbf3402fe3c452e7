import yauzl from 'yauzl';
import { isContactSheet, maybeContactSheet, SHEET_HEAD_BYTES } from '../../contact-sheet.ts';
import { crc32 } from '../../crc32.ts';
import { DataError } from '../../errors.ts';
import { filesOfReports } from '../../reports.ts';
import type { ImageEntry, ImageSource } from '../image-source.ts';
import { HEAD_BYTES, isHidden, kindByContent, kindByName, unreadable } from '../kinds.ts';
import { MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_RATIO, RATIO_FROM_BYTES } from '../limits.ts';
import { followed, linkPlace, placeOf } from '../links.ts';
import { naturally } from '../names.ts';
import { Skipped } from '../skipped.ts';
import { isZipLink, nameInZip, unpackedEntry, zipRecord, type ZipEntry } from './zip-entry.ts';
import { checkZipStructure } from './zip-structure.ts';

/** Most bytes of the path that a link leads to. */
const MAX_LINK_BYTES = 4096;

/** Lists a zip's images in natural order; their bytes are read on demand. Throws as openImageSource says. */
export async function openZip(file: string): Promise<Pick<ImageSource, 'skipped' | 'entries'> & { names: string[] }> {
  const skipped = new Skipped();
  const images = await withZip(file, async (zip) => {
    const { files, links } = await filesAndLinks(file, zip, skipped);
    return await imagesAmong(file, zip, files, links, skipped);
  });
  const names = [...images.keys()].sort(naturally);
  const entries = (only?: ReadonlySet<string>) =>
    readZip(
      file,
      names.filter((name) => !only || only.has(name)),
      images,
    );
  return { names, skipped, entries };
}

/** A zip's files, and where its links lead to, by their places. */
async function filesAndLinks(file: string, zip: yauzl.ZipFile, skipped: Skipped) {
  const [files, links] = [new Map<string, ZipEntry>(), new Map<string, string>()];
  for (const entry of await entriesOf(file, zip)) {
    const place = placeOf(nameInZip(entry));
    if (isHidden(place)) skipped.add('hidden', [place]);
    else if (files.has(place) || links.has(place))
      throw new DataError('duplicate-name', `${file} holds two files named ${place}`, { file, name: place });
    else if (isZipLink(entry)) links.set(place, linkPlace(place, (await readEntry(file, zip, entry, MAX_LINK_BYTES)).toString('utf8')));
    else files.set(place, entry);
  }
  return { files, links };
}

/** Files of a zip, whatever they are, by their names; null for a name that none has. */
export interface ZipFiles {
  /** In natural order. */
  readonly names: readonly string[];
  readonly read: (name: string) => Promise<Buffer> | null;
  /** Size and checksum, as the archive lists them. */
  readonly stamp: (name: string) => string | null;
  close(): void;
}

/** All files of a zip that are not hidden: read in any order, until it is closed. */
export async function openZipFiles(file: string): Promise<ZipFiles> {
  const zip = await open(file);
  try {
    const { files, links } = await filesAndLinks(file, zip, new Skipped());
    const entries = new Map<string, ZipEntry>();
    for (const place of [...files.keys(), ...links.keys()]) {
      const entry = followed(file, place, files, links);
      if (entry !== null) entries.set(place, entry);
    }
    return {
      names: [...entries.keys()].sort(naturally),
      stamp: (name) => {
        const entry = entries.get(name);
        return entry === undefined ? null : `${entry.uncompressedSize} ${entry.crc32}`;
      },
      read: (name) => {
        const entry = entries.get(name);
        if (entry === undefined) return null;
        checkPacking(file, name, entry);
        checkSize(file, name, entry);
        return readEntry(file, zip, entry);
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error instanceof DataError ? error : invalid(file, error as Error);
  }
}

/** The images by their places; of links those that they lead to. */
async function imagesAmong(
  file: string,
  zip: yauzl.ZipFile,
  files: ReadonlyMap<string, ZipEntry>,
  links: ReadonlyMap<string, string>,
  skipped: Skipped,
): Promise<Map<string, ZipEntry>> {
  const isReports = await filesOfReports(files.keys(), async (name, maxBytes) => {
    const entry = files.get(name)!;
    return entry.uncompressedSize > maxBytes || !entry.canDecodeFileData() ? null : (await readEntry(file, zip, entry)).toString('utf8');
  });
  const images = new Map<string, ZipEntry>();
  const isImage = new Map<ZipEntry, boolean>();
  const sheets = new Set<ZipEntry>();
  for (const [place, entry] of files) {
    const image = !isReports(place) && (await isZipImage(file, zip, place, entry));
    isImage.set(entry, image);
    if (image && maybeContactSheet(place) && isContactSheet(await readEntry(file, zip, entry, SHEET_HEAD_BYTES))) sheets.add(entry);
  }
  for (const place of [...files.keys(), ...links.keys()]) {
    const target = followed(file, place, files, links);
    if (target !== null && sheets.has(target)) skipped.add('sheet', [place]);
    else if (target !== null && isImage.get(target)) images.set(place, target);
    else skipped.add(isReports(place) ? 'report' : 'other', [place]);
  }
  return images;
}

async function isZipImage(file: string, zip: yauzl.ZipFile, name: string, entry: ZipEntry): Promise<boolean> {
  const named = kindByName(name);
  if (named === 'other') return false;
  if (named === 'unreadable') throw unreadable(file, name);
  if (named === 'image') checkPacking(file, name, entry);
  else if (!entry.canDecodeFileData()) return false;
  if (named === 'unnamed') {
    const kind = kindByContent(await readEntry(file, zip, entry, HEAD_BYTES));
    if (kind === 'unreadable') throw unreadable(file, name);
    if (kind === 'other') return false;
  }
  checkSize(file, name, entry);
  return true;
}

/** @throws DataError unsupported-archive for an image that is encrypted, or packed by what the reader does not unpack */
function checkPacking(file: string, name: string, entry: ZipEntry): void {
  if (entry.canDecodeFileData()) return;
  const why = entry.isEncrypted()
    ? 'is encrypted; unpack the archive with its password'
    : `is packed by method ${entry.compressionMethod}, which is not read; pack the archive with deflate, or unpack it`;
  throw new DataError('unsupported-archive', `${file}: ${name} ${why}`, { file, name, method: entry.compressionMethod });
}

function checkSize(file: string, name: string, { uncompressedSize: size, compressedSize: packed }: ZipEntry): void {
  if (size > MAX_ENTRY_BYTES)
    throw new DataError('archive-limit', `${file}: ${name} unpacks to ${size} bytes, the limit is ${MAX_ENTRY_BYTES}`, {
      file,
      name,
      size,
    });
  if (size > RATIO_FROM_BYTES && size > packed * MAX_RATIO) {
    throw new DataError(
      'archive-limit',
      `${file}: ${name} unpacks from ${packed} to ${size} bytes, ${Math.round(size / packed)} times its size; the limit is ${MAX_RATIO}`,
      { file, name, size, packed },
    );
  }
}

/** All entries but folders, once nothing is found to be missing. */
async function entriesOf(file: string, zip: yauzl.ZipFile): Promise<ZipEntry[]> {
  const all: ZipEntry[] = [];
  await new Promise<void>((resolve, reject) => {
    zip
      .on('error', reject)
      .on('end', resolve)
      .on('entry', (entry: yauzl.Entry) => {
        all.push(entry as ZipEntry);
        if (all.length <= MAX_ENTRIES) zip.readEntry();
        else reject(new DataError('archive-limit', `${file} lists more than ${MAX_ENTRIES} files`, { file }));
      });
    zip.readEntry();
  });
  checkZipStructure(file, all.map(zipRecord), Buffer.byteLength(zip.comment));
  return all.filter((entry) => !entry.fileName.endsWith('/'));
}

async function* readZip(file: string, names: readonly string[], images: ReadonlyMap<string, ZipEntry>): AsyncGenerator<ImageEntry> {
  const zip = await open(file);
  try {
    for (const name of names) yield { name, bytes: await readEntry(file, zip, images.get(name)!), caption: null };
  } finally {
    zip.close();
  }
}

/** @param length for the first bytes alone, whose checksum nobody knows */
async function readEntry(file: string, zip: yauzl.ZipFile, entry: ZipEntry, length = Infinity): Promise<Buffer> {
  try {
    const bytes = await unpackedEntry(zip, entry, length);
    if (bytes.length === entry.uncompressedSize && crc32(bytes) !== entry.crc32) throw new Error('its checksum is wrong');
    return bytes;
  } catch (error) {
    const name = nameInZip(entry);
    throw new DataError('invalid-archive', `${file}: ${name} cannot be unpacked: ${(error as Error).message}`, { file, name });
  }
}

const open = (file: string): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(invalid(file, error)) : resolve(zip)));
  });

/** yauzl refuses names that are absolute or lead out of the archive: its message names them. */
const invalid = (file: string, error: Error) =>
  new DataError('invalid-archive', `${file} is no zip archive that can be read: ${error.message}`, { file });

async function withZip<T>(file: string, use: (zip: yauzl.ZipFile) => Promise<T>): Promise<T> {
  const zip = await open(file);
  try {
    return await use(zip);
  } catch (error) {
    throw error instanceof DataError ? error : invalid(file, error as Error);
  } finally {
    zip.close();
  }
}
