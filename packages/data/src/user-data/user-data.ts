import path from 'node:path';
import { jsonHash } from '../canonical-json.ts';
import { canny } from '../conditions/canny.ts';
import type { Dataset, Example } from '../dataset.ts';
import { checkIndex } from '../datasets/check-index.ts';
import { DataError } from '../errors.ts';
import { decodeImage, type DecodeOptions } from '../images/decode.ts';
import { greyImage } from '../images/grey-image.ts';
import type { RgbImage } from '../images/image.ts';
import { uniform } from '../random.ts';
import { sha256 } from '../sha256.ts';
import { aspectBuckets, nearestBucket } from './aspect-buckets.ts';
import { findRows } from './find-rows.ts';
import type { UserDataOptions } from './options.ts';
import { preparePicture, type CropPlace } from './prepare.ts';
import { rowProblem, type DataFormat, type PictureRef, type Rows } from './rows.ts';

/** Raise with every change of the code that alters an example. */
const REVISION = 2;

/** Up to so many rows are all read when data is opened; of more, so many that are spread evenly over them, and the last. */
export const CHECKED_ROWS = 1024;

/** Most bytes of prepared pictures that are kept. */
const CACHE_BYTES = 128 * 2 ** 20;

/** A row, or a file of many, that cannot be read. */
export interface RowProblem {
  /** Its number among the data's rows, from 0; null for a whole file, such as a shard that is cut short. A person is told `where`. */
  readonly index: number | null;
  /** Such as `train.csv, row 17`, or a file's name. */
  readonly where: string;
  readonly reason: string;
}

/** An example of a user's, with what is known of its row. */
export interface UserExample extends Example {
  /** Names its row for a person. */
  readonly where: string;
  /** Of the picture as it is, before it was prepared. */
  readonly size: { readonly width: number; readonly height: number };
  /** sha256 of the picture's file. */
  readonly sha256: string;
}

/** A user's own pictures. Conditions: `canny`, and `column` where the data has condition pictures. */
export interface UserData extends Dataset<UserExample> {
  readonly format: DataFormat;
  /** Rows that the data has, with those that were passed over. */
  readonly rows: number;
  /** Files and rows that were passed over, in their order: those found when it was opened, and those that examples were asked for since. */
  readonly problems: readonly RowProblem[];
  close(): Promise<void>;
}

/** What a worker is told, so that it reads nothing twice, and reads what was read before: `digest` is of the rows. */
interface Reopened extends UserDataOptions {
  readonly known?: { readonly hash: string; readonly bad: readonly number[]; readonly digest: string };
}

/** What an example is made of. */
interface Prepared extends Pick<UserExample, 'where' | 'size' | 'sha256'> {
  readonly image: RgbImage;
  readonly caption: string;
  readonly column: RgbImage | null;
}

/**
 * Opens a user's pictures as a dataset: example i is row i, prepared as `preparePicture` says. Rows are read when they are asked for; only
 * their places are held, and of prepared pictures at most 128 MB.
 *
 * Of up to 1024 rows all are read and decoded here: bad ones end this, or are no examples. Of more, 1024 spread evenly and the last are; a
 * bad row among the others ends `example`, or the next good row stands in for it.
 *
 * `hash` is of captions and of the bytes of all pictures, whatever the format, for up to 1024 rows; for more of the bytes of 1024 rows'
 * pictures and of `Rows.digest`. Preparation is part of either.
 * @throws DataError naming what is wrong with the data as a whole, or the first bad row
 */
export async function openUserData(options: UserDataOptions): Promise<UserData> {
  return open(options);
}

/** Opens it again from a `DatasetReference`. */
export default (data: Reopened): Promise<UserData> => open(data);

async function open(source: Reopened): Promise<UserData> {
  const { resolution, bucketStep } = source;
  if (!Number.isInteger(resolution) || resolution < 8 || resolution > 8192)
    throw new DataError('invalid-argument', `a resolution is a whole number from 8 to 8192, got ${resolution}`, { resolution });
  if (bucketStep !== undefined) aspectBuckets(resolution, bucketStep);
  const rows = await findRows(source);
  try {
    checkEncoding(rows, source);
    return await openRows(rows, source);
  } catch (error) {
    await rows.close();
    throw error;
  }
}

/** @throws DataError invalid-argument for an encoding of texts that are not read, or say themselves what they are in */
function checkEncoding({ path, format }: Rows, { encoding, captions }: UserDataOptions): void {
  if (encoding === undefined) return;
  const isTable = format !== 'folder' && format !== 'webdataset';
  if (format !== 'parquet' && (isTable || captions !== 'none')) return;
  const why = format === 'parquet' ? 'texts of parquet are UTF-8' : 'without captions no text is read';
  throw new DataError('invalid-argument', `${path}: ${why}: leave --encoding out`, { path, encoding });
}

async function openRows(rows: Rows, { known, ...options }: Reopened): Promise<UserData> {
  const { resolution, bucketStep, crop = 'center', onBadRow = 'stop' } = options;
  const id = path.basename(path.resolve(options.data));
  const problems = new Map<number, RowProblem>();
  const digest = await rows.digest();
  // Latents were made of rows by their numbers: with a row more or less each would have another's caption.
  if (known !== undefined && known.digest !== digest) throw changed(rows, 'files or rows of it are others than when it was opened');
  const all = (): RowProblem[] => [
    ...rows.problems.map((problem) => ({ index: null, ...problem })),
    ...[...problems].sort(([a], [b]) => a - b).map(([, problem]) => problem),
  ];
  const prepare = cached((index) => prepareRow(rows, index, options));

  /** Null for a row that is passed over. */
  const attempt = async (index: number): Promise<Prepared | null> => {
    try {
      return await prepare(index);
    } catch (error) {
      const reason = rowProblem(error);
      if (reason === null) throw error;
      const where = rows.where(index);
      // Of a small set all bad rows are known.
      if (known !== undefined && rows.length <= CHECKED_ROWS) throw changed(rows, `${where}, which could be read before: ${reason}`);
      if (onBadRow === 'stop')
        throw new DataError('invalid-row', `${rows.path}: ${where}: ${reason}`, { index, where, reason }, { cause: error });
      problems.set(index, { index, where, reason });
      return null;
    }
  };

  const isSmall = rows.length <= CHECKED_ROWS;
  let bad: ReadonlySet<number> = new Set(known?.bad);
  let hash = known?.hash;
  if (hash === undefined) {
    const checked = Array.from({ length: Math.min(rows.length, CHECKED_ROWS) }, (_, i) =>
      isSmall ? i : Math.floor((i * rows.length) / CHECKED_ROWS),
    );
    const contents = await inTurn(checked, async (index) =>
      (await attempt(index)) === null ? null : await contentOf(rows, index, options),
    );
    // Where a table was cut short, it is its last row that is not whole.
    if (!isSmall) await attempt(rows.length - 1);
    if (contents.every((content) => content === null)) throw nothingReadable(rows, all());
    if (isSmall) bad = new Set(problems.keys());
    const good = contents.filter((content) => content !== null);
    hash = jsonHash({
      dataset: 'user-data',
      revision: REVISION,
      resolution,
      ...(bucketStep === undefined ? {} : { bucketStep }),
      crop,
      captions: options.captions ?? 'required',
      ...(isSmall ? { rows: good } : { table: digest, length: rows.length, sample: contents, onBadRow }),
    });
  }
  const indices = bad.size === 0 ? null : Uint32Array.from({ length: rows.length }, (_, i) => i).filter((i) => !bad.has(i));
  const length = indices?.length ?? rows.length;

  return {
    id,
    hash,
    length,
    format: rows.format,
    rows: rows.length,
    conditions: rows.hasConditions ? ['canny', 'column'] : ['canny'],
    reference: { module: import.meta.url, data: { ...options, data: path.resolve(options.data), known: { hash, bad: [...bad], digest } } },
    get problems() {
      return all();
    },
    async example(index) {
      checkIndex({ id, length }, index);
      for (let step = 0; step < length; step++) {
        const at = (index + step) % length;
        const prepared = await attempt(indices?.[at] ?? at);
        if (prepared !== null) return exampleOf(id, prepared);
      }
      throw nothingReadable(rows, all());
    },
    close: () => rows.close(),
  };
}

const changed = ({ path }: Rows, what: string): DataError =>
  new DataError(
    'data-changed',
    `${path} has changed since it was opened (${what}): pictures that are encoded would be trained with captions and conditions of others. Run the same command again once it stays as it is.`,
    { path },
  );

function nothingReadable({ path }: Rows, problems: readonly RowProblem[]): DataError {
  const [first] = problems;
  return new DataError('empty-input', `${path}: no row can be read; ${first?.where}: ${first?.reason}`, {
    path,
    problems: problems.length,
  });
}

/** As many at a time as hide the disk behind the decoder. */
const AT_ONCE = 4;

/** @throws the error of the first index that has one */
async function inTurn<T>(indices: readonly number[], work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < indices.length; start += AT_ONCE) {
    for (const one of await Promise.allSettled(indices.slice(start, start + AT_ONCE).map(work))) {
      if (one.status === 'rejected') throw one.reason;
      results.push(one.value);
    }
  }
  return results;
}

/** What a row is of, whatever it lies in. */
async function contentOf(rows: Rows, index: number, { captions, crop }: UserDataOptions) {
  const { image, caption, condition } = await rows.row(index);
  return {
    // A crop at random is a function of the row's number.
    ...(crop === 'random' ? { index } : {}),
    image: sha256(await image.read()),
    caption: captions === 'none' ? '' : (caption ?? '').trim(),
    condition: condition === null ? null : sha256(await condition.read()),
  };
}

async function prepareRow(rows: Rows, index: number, options: UserDataOptions): Promise<Prepared> {
  const { resolution, bucketStep, crop = 'center', captions = 'required' } = options;
  const row = await rows.row(index);
  const caption = captions === 'none' ? '' : (row.caption ?? '').trim();
  if (captions === 'required' && caption === '')
    throw new DataError(
      'invalid-row',
      `it has no caption${row.captionFile === undefined ? '' : ` ${row.captionFile}`}; pass over such rows with --on-bad-row skip, or train without with --captions none`,
      {},
    );
  const bytes = await row.image.read();
  const image = await decoded(bytes, row.image);
  // Where it is transparent it is black, as `generate` shows it to a control: what lies hidden there is nobody's drawing.
  const condition = row.condition === null ? null : await decoded(await row.condition.read(), row.condition, { overBlack: true });
  if (condition !== null) checkShapes(image, condition, resolution);
  const place = crop === 'center' ? null : (Array.from(uniform(0, 'crop', index, 2)) as unknown as CropPlace);
  const size = { width: image.width, height: image.height };
  const to =
    bucketStep === undefined ? { width: resolution, height: resolution } : nearestBucket(size, aspectBuckets(resolution, bucketStep));
  return {
    where: rows.where(index),
    size,
    sha256: sha256(bytes),
    image: preparePicture(image, to, place),
    caption,
    column: condition === null ? null : preparePicture(condition, to, place),
  };
}

const decoded = async (bytes: Uint8Array, { name }: PictureRef, options: DecodeOptions = {}): Promise<RgbImage> =>
  decodeImage(bytes, name, { turned: true, ...options });

/** A condition may have another size, but shows the same: its sides are in the same proportion, to the pixel they are prepared to. */
function checkShapes(image: RgbImage, condition: RgbImage, side: number): void {
  const proportion = ({ width, height }: RgbImage): number => (width / height) * side;
  if (Math.abs(proportion(image) - proportion(condition)) <= Math.max(1, proportion(image) / side)) return;
  throw new DataError(
    'invalid-row',
    `its condition picture has ${condition.width} x ${condition.height} pixels and the picture ${image.width} x ${image.height}: they do not show the same`,
    {},
  );
}

function exampleOf(id: string, { image, caption, column, where, size, sha256 }: Prepared): UserExample {
  return {
    ...{ where, size, sha256 },
    image,
    captions: { caption },
    condition: (wanted) => {
      if (wanted === 'canny') return greyImage(canny(image.rgb, image.width, image.height), image);
      if (wanted === 'column' && column !== null) return column;
      throw new DataError('invalid-dataset', `${id} has no condition "${wanted}"; it has canny${column === null ? '' : ' and column'}`, {
        condition: wanted,
      });
    },
  };
}

/** Keeps what was prepared last, up to a limit; rows that failed are tried again. */
function cached(prepare: (index: number) => Promise<Prepared>): (index: number) => Promise<Prepared> {
  const kept = new Map<number, Prepared>();
  let bytes = 0;
  const sizeOf = ({ image, column }: Prepared): number => image.rgb.length + (column?.rgb.length ?? 0);
  return async (index) => {
    const known = kept.get(index);
    const prepared = known ?? (await prepare(index));
    if (kept.delete(index)) bytes -= sizeOf(prepared);
    kept.set(index, prepared);
    bytes += sizeOf(prepared);
    for (const [oldest, value] of kept) {
      if (bytes <= CACHE_BYTES) break;
      kept.delete(oldest);
      bytes -= sizeOf(value);
    }
    return prepared;
  };
}
