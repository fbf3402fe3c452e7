import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DataError } from '../../errors.ts';

// What the reader of zips does not look at: that nothing of one was lost or renamed.

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
