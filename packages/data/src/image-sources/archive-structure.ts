import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DataError } from '../errors.ts';

// What the readers of archives do not look at: that nothing of one was lost or renamed.

/** Bytes of a file from an offset on; fewer where it ends. */
function bytesAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
}

function withFile<T>(file: string, use: (fd: number) => T): T {
  const fd = openSync(file, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** A record as a zip's list at the end names it. */
export interface ZipRecord {
  /** Bytes of its name. */
  readonly name: Buffer;
  /** Of its own header. */
  readonly offset: number;
  /** Bytes that it takes in the list. */
  readonly listed: number;
}

const [END_BYTES, LIST_SIZE_AT, UNKNOWN] = [22, 12, 0xffffffff];
const [LOCAL_BYTES, NAME_LENGTH_AT] = [30, 26];

/**
 * Checks a zip's list of records: that it has as many bytes as the archive says, so that none is left out, and that each record has the
 * name that it is listed under. No checksum covers either.
 * @throws DataError invalid-archive
 */
export function checkZipStructure(file: string, records: readonly ZipRecord[], commentBytes: number): void {
  const fail = (message: string): never => {
    throw new DataError('invalid-archive', `${file} is damaged: ${message}`, { file });
  };
  withFile(file, (fd) => {
    const end = bytesAt(fd, statSync(file).size - END_BYTES - commentBytes, END_BYTES);
    const size = end.length < END_BYTES ? UNKNOWN : end.readUInt32LE(LIST_SIZE_AT);
    const listed = records.reduce((sum, record) => sum + record.listed, 0);
    if (size !== UNKNOWN && size !== listed)
      fail(`its list of files takes ${size} bytes, the ${records.length} files that it counts take ${listed}`);
    for (const { name, offset } of records) {
      const head = bytesAt(fd, offset, LOCAL_BYTES + name.length);
      const same = head.length === LOCAL_BYTES + name.length && head.readUInt16LE(NAME_LENGTH_AT) === name.length;
      if (!same || !head.subarray(LOCAL_BYTES).equals(name))
        fail(`the file listed as ${name.toString('utf8')} has another name where it lies`);
    }
  });
}

const BLOCK = 512;
const [SIZE_AT, SIZE_BYTES] = [124, 12];
const CHUNK = 1 << 16;

/** A size in octal digits, or, with the upper bit set, in bytes; null where it is neither. */
function sizeIn(head: Buffer): number | null {
  const field = head.subarray(SIZE_AT, SIZE_AT + SIZE_BYTES);
  if (field[0]! & 0x80) return field.subarray(SIZE_BYTES - 6).readUIntBE(0, 6);
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim();
  return /^[0-7]*$/.test(digits) ? parseInt(digits || '0', 8) : null;
}

/**
 * Checks that a tar ends, and once: the reader takes a header of zeros for its end, or passes over it, and whatever follows would be lost;
 * a file that was cut off between two of its own is read as if it were whole.
 * @throws DataError invalid-archive
 */
export function checkTarEnd(file: string): void {
  withFile(file, (fd) => {
    const { size: length } = statSync(file);
    let at = 0;
    for (;;) {
      if (at + BLOCK > length)
        throw new DataError('invalid-archive', `${file} is cut short: it ends at byte ${length} without the zeros that end a tar`, {
          file,
          length,
        });
      const head = bytesAt(fd, at, BLOCK);
      if (head.every((byte) => byte === 0)) break;
      const size = sizeIn(head);
      // The reader says what is wrong with it.
      if (size === null) return;
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
    for (let from = at; from < length; from += CHUNK) {
      const found = bytesAt(fd, from, CHUNK).findIndex((byte) => byte !== 0);
      if (found < 0) continue;
      throw new DataError(
        'invalid-archive',
        `${file} ends at byte ${at}, but something follows at byte ${from + found}: it is damaged, or several archives were put together`,
        { file, end: at, next: from + found },
      );
    }
  });
}
