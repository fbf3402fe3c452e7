import { createHash } from 'node:crypto';
import { DataError } from '../../errors.ts';
import { Numbers } from '../numbers.ts';
import type { RandomBytes } from '../files/file-set.ts';

const [NEWLINE, RETURN, QUOTE, SPACE, TAB] = [0x0a, 0x0d, 0x22, 0x20, 0x09];
const CHUNK = 1 << 22;

/** Most bytes of one record: a caption of 10 MB is one. */
const MAX_RECORD_BYTES = 64 * 2 ** 20;

/** Where the records of a text file lie: numbers alone, so that millions take tens of megabytes. */
export interface RecordIndex {
  readonly length: number;
  /** Its number among all lines (or, with quotes, all records), from 1, empty ones counted. */
  number(index: number): number;
  /** Without the line break at its end. */
  read(index: number): Promise<Buffer>;
  /** sha256 of the whole file. */
  readonly digest: string;
  /** Whether the last record does not end with a line break, as that of a file that was cut short. */
  readonly open: boolean;
}

/**
 * Finds the records of a text: lines, or, in CSV, what ends at a line break outside quotes: LF, CRLF, or CR alone, as old spreadsheets
 * write it. A quote opens a field at its beginning only. Goes through the file once.
 * @param delimiter of CSV's fields; null for lines
 */
export async function indexRecords(file: RandomBytes, delimiter: number | null): Promise<RecordIndex> {
  const [starts, ends, numbers] = [new Numbers(), new Numbers(), new Numbers()];
  const hash = createHash('sha256');
  const mark = markLength(await file.read(0, 3));
  let [start, number, blank, last] = [mark, 1, true, 0];
  let [quoted, closed, fieldBegins] = [false, false, true];
  const finish = (end: number): void => {
    if (!blank) {
      starts.push(start);
      ends.push(end);
      numbers.push(number);
    }
    number++;
    blank = true;
  };
  const lineBreak = (end: number, next: number): void => {
    finish(end);
    start = next;
    [closed, fieldBegins] = [false, true];
  };
  for (let at = 0; at < file.size;) {
    const bytes = await file.read(at, CHUNK);
    if (bytes.length === 0) break;
    hash.update(bytes);
    for (let i = at === 0 ? mark : 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      // A CR that no LF follows has ended the record; within quotes it is the field's.
      if (last === RETURN && !quoted && byte !== NEWLINE) lineBreak(at + i - 1, at + i);
      if (quoted) {
        if (byte === QUOTE) [quoted, closed] = [false, true];
      } else if (byte === NEWLINE) lineBreak(at + i - (last === RETURN ? 1 : 0), at + i + 1);
      else if (byte === QUOTE && delimiter !== null && (fieldBegins || closed)) {
        // The second of two quotes opens again what the first closed.
        [quoted, fieldBegins, blank] = [true, false, false];
      } else {
        closed = false;
        fieldBegins = byte === delimiter;
        if (byte !== SPACE && byte !== TAB && byte !== RETURN) blank = false;
      }
      last = byte;
    }
    at += bytes.length;
  }
  finish(file.size - (last === RETURN ? 1 : 0));
  return {
    length: starts.length,
    digest: hash.digest('hex'),
    open: file.size > mark && last !== NEWLINE && last !== RETURN,
    number: (index) => numbers.at(index),
    read: async (index) => {
      const length = ends.at(index) - starts.at(index);
      if (length > MAX_RECORD_BYTES)
        throw new DataError('invalid-row', `it has ${length} bytes, the limit is ${MAX_RECORD_BYTES}: a quote may not be closed`, {
          length,
        });
      return file.read(starts.at(index), length);
    },
  };
}

/** Bytes of UTF-8's mark at the front. */
const markLength = (bytes: Uint8Array): number => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
