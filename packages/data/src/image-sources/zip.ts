import yauzl from 'yauzl';
import { crc32 } from '../crc32.ts';
import { DataError } from '../errors.ts';
import { checkZipStructure, type ZipRecord } from './archive-structure.ts';
import type { ImageEntry, ImageSource } from './image-source.ts';
import { MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_RATIO, RATIO_FROM_BYTES } from './limits.ts';
import { isImageName, naturally, Skipped } from './names.ts';

/** Lists a zip's images in natural order; their bytes are read on demand. Throws as openImageSource says. */
export async function openZip(file: string): Promise<Pick<ImageSource, 'skipped' | 'entries'> & { names: string[] }> {
  const images = new Map<string, yauzl.Entry>();
  const skipped = new Skipped();
  const records: ZipRecord[] = [];
  await withZip(
    file,
    (zip) =>
      new Promise<void>((resolve, reject) => {
        zip
          .on('error', reject)
          .on('end', () => {
            try {
              checkZipStructure(file, records, Buffer.byteLength(zip.comment));
              resolve();
            } catch (error) {
              reject(error as Error);
            }
          })
          .on('entry', (entry: yauzl.Entry) => {
            try {
              records.push(recordOf(entry));
              if (records.length > MAX_ENTRIES)
                throw new DataError('archive-limit', `${file} lists more than ${MAX_ENTRIES} files`, { file });
              const name = entry.fileName;
              if (isImageName(name, file)) {
                checkSize(file, entry);
                if (images.has(name)) throw new DataError('duplicate-name', `${file} holds two files named ${name}`, { file, name });
                images.set(name, entry);
              } else if (!name.endsWith('/')) skipped.add(name);
              zip.readEntry();
            } catch (error) {
              reject(error as Error);
            }
          });
        zip.readEntry();
      }),
  );
  const names = [...images.keys()].sort(naturally);
  return {
    names,
    skipped,
    entries: (only) =>
      readZip(
        file,
        names.filter((name) => !only || only.has(name)),
        images,
      ),
  };
}

/** Bytes of an entry of the list, without its name, extra field and comment. */
const LISTED_BYTES = 46;

const recordOf = (entry: yauzl.Entry): ZipRecord => ({
  // Not in yauzl's types yet.
  name: (entry as yauzl.Entry & { fileNameRaw: Buffer }).fileNameRaw,
  offset: entry.relativeOffsetOfLocalHeader,
  listed: LISTED_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength,
});

function checkSize(file: string, { fileName: name, uncompressedSize: size, compressedSize: packed }: yauzl.Entry): void {
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

async function* readZip(file: string, names: readonly string[], images: ReadonlyMap<string, yauzl.Entry>): AsyncGenerator<ImageEntry> {
  const zip = await open(file);
  try {
    for (const name of names) yield { name, bytes: await readEntry(file, zip, images.get(name)!), caption: null };
  } finally {
    zip.close();
  }
}

async function readEntry(file: string, zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  try {
    const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer); // yauzl ends with an error beyond the size that the entry states
    const bytes = Buffer.concat(parts);
    if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is wrong');
    return bytes;
  } catch (error) {
    throw new DataError('invalid-archive', `${file}: ${entry.fileName} cannot be unpacked: ${(error as Error).message}`, {
      file,
      name: entry.fileName,
    });
  }
}

const open = (file: string): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(invalid(file, error)) : resolve(zip)));
  });

/** yauzl refuses names that are absolute or lead out of the archive: its message names them. */
const invalid = (file: string, error: Error) =>
  new DataError('invalid-archive', `${file} is no zip archive that can be read: ${error.message}`, { file });

async function withZip(file: string, use: (zip: yauzl.ZipFile) => Promise<void>): Promise<void> {
  const zip = await open(file);
  try {
    await use(zip);
  } catch (error) {
    throw error instanceof DataError ? error : invalid(file, error as Error);
  } finally {
    zip.close();
  }
}
