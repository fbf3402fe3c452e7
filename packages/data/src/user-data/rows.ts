import { createHash } from 'node:crypto';
import path from 'node:path';
import { DataError } from '../errors.ts';
import { systemProblem } from '../system-problem.ts';
import type { UserDataOptions } from './options.ts';

/** A picture that a row names or holds: its bytes are read when they are asked for. */
export interface PictureRef {
  /** For messages: the file's name, or the column that holds it. */
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** One row of a user's data. */
export interface Row {
  readonly image: PictureRef;
  /** Not trimmed; null where there is none. */
  readonly caption: string | null;
  /** Where one would lie that is not there, of data whose captions are files. */
  readonly captionFile?: string;
  /** Null where the data has no condition pictures. */
  readonly condition: PictureRef | null;
}

/** A file that is passed over as a whole. */
export interface FileProblem {
  readonly where: string;
  readonly reason: string;
}

/** Rows of a user's data in a fixed order, each read when it is asked for. */
export interface Rows {
  readonly path: string;
  /** How its rows are called in messages: `row` of a table, `file` of a folder. */
  readonly format: DataFormat;
  readonly length: number;
  readonly hasConditions: boolean;
  /**
   * sha256 of the tables or lists of files and, where pictures are files by name, of their stamps. Of a large set it takes its time: it is
   * asked for where not all pictures are read.
   */
  digest(): Promise<string>;
  /** Whole files that were passed over, because they cannot be read or are no rows. */
  readonly problems: readonly FileProblem[];
  /** Names a row for a person: `train.csv, row 17`. */
  where(index: number): string;
  /** @throws DataError for a row that cannot be read */
  row(index: number): Promise<Row>;
  close(): Promise<void>;
}

export const DATA_FORMATS = ['folder', 'csv', 'jsonl', 'imagefolder', 'parquet', 'webdataset'] as const;
export type DataFormat = (typeof DATA_FORMATS)[number];

/** As many at a time as keep a disk at work. */
const STAMPED_AT_ONCE = 32;

/**
 * sha256 of what stands for each of so many rows; of one that cannot be read, that it cannot.
 * @param of the table that they are rows of, where it is one
 */
export async function digestOfRows(length: number, stamps: (index: number) => Promise<readonly string[]>, of = ''): Promise<string> {
  const hash = createHash('sha256').update(of);
  const stamp = async (index: number): Promise<string> => {
    try {
      return JSON.stringify(await stamps(index));
    } catch (error) {
      if (rowProblem(error) === null) throw error;
      return 'null';
    }
  };
  for (let start = 0; start < length; start += STAMPED_AT_ONCE) {
    const count = Math.min(STAMPED_AT_ONCE, length - start);
    for (const one of await Promise.all(Array.from({ length: count }, (_, i) => stamp(start + i)))) hash.update(`${one}\n`);
  }
  return hash.digest('hex');
}

/** What is wrong with a row, without its name; null for an error that is a mistake of ours. */
export function rowProblem(error: unknown): string | null {
  if (error instanceof DataError) return error.message;
  return systemProblem(error);
}

/**
 * Does something with each of several files. One that cannot be read ends it, or, where bad rows are passed over, is told.
 * @throws DataError of the first such file
 */
export async function eachFile(
  files: readonly string[],
  { onBadRow = 'stop' }: UserDataOptions,
  work: (file: string, index: number) => Promise<void>,
): Promise<FileProblem[]> {
  const problems: FileProblem[] = [];
  for (const [index, file] of files.entries()) {
    try {
      await work(file, index);
    } catch (error) {
      const reason = rowProblem(error);
      // Which columns or components are meant is not for one file to decide.
      const isChoice = error instanceof DataError && ['invalid-columns', 'ambiguous-component'].includes(error.code);
      if (reason === null || onBadRow === 'stop' || isChoice) throw error;
      problems.push({ where: path.basename(file), reason });
    }
  }
  return problems;
}
