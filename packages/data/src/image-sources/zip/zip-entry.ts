import type yauzl from 'yauzl';
import type { ZipRecord } from './zip-structure.ts';

/** An entry, with what yauzl's types do not have yet. */
export type ZipEntry = yauzl.Entry & { fileNameRaw: Buffer; canDecodeFileData(): boolean };

/** Bytes of an entry of the list, without its name, extra field and comment. */
const LISTED_BYTES = 46;

export const zipRecord = (entry: ZipEntry): ZipRecord => ({
  name: entry.fileNameRaw,
  offset: entry.relativeOffsetOfLocalHeader,
  listed: LISTED_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength,
});

/** Systems that an archive was made on: the upper byte of its version. */
const [UNIX, DARWIN] = [3, 19];
const UTF8_FLAG = 0x800;
const UNICODE_PATH = 0x7075;

const madeOn = ({ versionMadeBy }: ZipEntry): number => versionMadeBy >> 8;

/**
 * An entry's name: in UTF-8 where it says so; else in code page 437 by the standard, but that Unix and macOS (whose Finder does not say so)
 * store the names of their files as they are, in UTF-8.
 */
export function nameInZip(entry: ZipEntry): string {
  const told = (entry.generalPurposeBitFlag & UTF8_FLAG) !== 0 || entry.extraFields.some(({ id }) => id === UNICODE_PATH);
  if (told || ![UNIX, DARWIN].includes(madeOn(entry))) return entry.fileName;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(entry.fileNameRaw).replaceAll('\\', '/');
  } catch {
    return entry.fileName;
  }
}

/**
 * An entry's bytes as they unpack, or its first ones: their checksum is the caller's to compare. Ends with yauzl's error beyond the size
 * that the entry states.
 */
export async function unpackedEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, most = Infinity): Promise<Buffer> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const parts: Buffer[] = [];
  let read = 0;
  for await (const part of stream) {
    parts.push(part as Buffer);
    read += part.length;
    if (read >= most) break;
  }
  return Buffer.concat(parts).subarray(0, most);
}

const [FILE_TYPE, SYMBOLIC_LINK] = [0o170000, 0o120000];

/** Whether an entry is a symbolic link: it holds the path that it leads to. */
export const isZipLink = (entry: ZipEntry): boolean =>
  [UNIX, DARWIN].includes(madeOn(entry)) && ((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMBOLIC_LINK;
