import { DataError } from '../errors.ts';
import { systemProblem } from '../system-problem.ts';

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
  /** Null where the data has no condition pictures. */
  readonly condition: PictureRef | null;
}

/** Rows of a user's data in a fixed order, each read when it is asked for. */
export interface Rows {
  readonly path: string;
  /** How its rows are called in messages: `row` of a table, `file` of a folder. */
  readonly format: DataFormat;
  readonly length: number;
  readonly hasConditions: boolean;
  /** Of the tables or lists of files, without the pictures: sha256. */
  readonly digest: string;
  /** Names a row for a person: `train.csv, row 17`. */
  where(index: number): string;
  /** @throws DataError for a row that cannot be read */
  row(index: number): Promise<Row>;
  close(): Promise<void>;
}

export const DATA_FORMATS = ['folder', 'csv', 'jsonl', 'imagefolder', 'parquet', 'webdataset'] as const;
export type DataFormat = (typeof DATA_FORMATS)[number];

/** What is wrong with a row, without its name; null for an error that is a mistake of ours. */
export function rowProblem(error: unknown): string | null {
  if (error instanceof DataError) return error.message;
  return systemProblem(error);
}
