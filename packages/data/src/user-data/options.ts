import type { Columns } from './tables/columns.ts';
import type { DataFormat } from './rows.ts';

/** How a user's pictures are read, as plain data. */
export interface UserDataOptions {
  /**
   * A folder, a table (.csv, .tsv, .jsonl, prompt.json, .parquet), an archive (.zip, .tar), or shards of a webdataset or a parquet table by
   * a pattern with `*` or `{0000..0009}`.
   */
  readonly data: string;
  /** Found by itself where it is unambiguous. */
  readonly format?: DataFormat | undefined;
  /** Columns of a table, or components of a webdataset (`jpg`, `txt`, `condition.png`), where their names do not say what they hold. */
  readonly columns?: Columns | undefined;
  /** Whether each picture needs a caption (default), or none is read: then every caption is ''. */
  readonly captions?: 'required' | 'none' | undefined;
  /** Side of the square pictures, in pixels. */
  readonly resolution: number;
  /** Pictures are not cut to squares but to the nearest of `aspectBuckets(resolution, bucketStep)`. */
  readonly bucketStep?: number | undefined;
  /** Which part of a picture that is no square: its middle (default), or one that its index decides. */
  readonly crop?: 'center' | 'random' | undefined;
  /** What a row that cannot be read does: it ends everything with its name (default), or is passed over and told in `problems`. */
  readonly onBadRow?: 'stop' | 'skip' | undefined;
  /** Whether rows may name files outside of the data: absolute, by `..`, or behind links. Default false. */
  readonly allowOutside?: boolean | undefined;
  /** Of texts that are not UTF-8, see `decodeText`. */
  readonly encoding?: string | undefined;
}
