import { createHash } from 'node:crypto';
import path from 'node:path';
import { parquetMetadataAsync, parquetSchema, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { DataError } from '../../../errors.ts';
import { systemProblem } from '../../../system-problem.ts';
import { localFolder, openLocal } from '../../files/local-folder.ts';
import type { UserDataOptions } from '../../options.ts';
import { eachFile, type PictureRef, type Row, type Rows } from '../../rows.ts';
import { shardNames } from '../../shards.ts';
import { chooseColumns, type ChosenColumns } from '../columns.ts';
import { Unpacker, type Values } from './unpacker.ts';

/** Most unpacked bytes of the columns of a row group that are read: Hugging Face's hold a hundred pictures. */
const MAX_GROUP_BYTES = 2 ** 30;

/** Row groups that are kept unpacked: as many as their bytes allow, one at least. */
const KEPT_BYTES = 256 * 2 ** 20;

/** How long a row group may take, on a machine that does something else as well: a hundredth of the pace of any disk. */
const LEAST_SECONDS = 30;
const BYTES_PER_SECOND = 10 * 2 ** 20;
/** What the counts and names of a row group may take beside its bytes. */
const MEGABYTES = 2048;

/** A row group of one of the files: rows that are unpacked together. */
interface Group {
  readonly file: string;
  readonly metadata: FileMetaData;
  /** Number of its first row in its file, and among all. */
  readonly inFile: number;
  readonly first: number;
  readonly length: number;
  readonly bytes: number;
}

/**
 * A parquet table, of one file or several: pictures as bytes, as Hugging Face's `{ bytes, path }`, or as names of files beside the table.
 * Of a row, the row group it lies in is unpacked; those read last are kept.
 * @param files whole paths
 * @throws DataError invalid-columns; unless bad rows are passed over: invalid-archive, archive-limit for what is damaged or too large
 */
export async function openParquet(set: string, files: readonly string[], options: UserDataOptions): Promise<Rows> {
  const groups: Group[] = [];
  const names = shardNames(files);
  const hash = createHash('sha256');
  let chosen: ChosenColumns | null = null;
  let length = 0;
  const problems = await eachFile(files, options, async (file) => {
    const { metadata, footer } = await readMetadata(file);
    const there = parquetSchema(metadata).children.map(({ element }) => element.name);
    const columns = chooseColumns(file, there, options.columns ?? {}, { captions: options.captions ?? 'required' });
    chosen ??= columns;
    const other = (['image', 'caption', 'condition'] as const).find((kind) => columns[kind] !== chosen![kind]);
    if (other !== undefined)
      throw new DataError(
        'invalid-columns',
        `${file} has ${columns[other] === null ? `no column of the ${other}` : `"${columns[other]}" for the ${other}`}, where ${files[0]} has ${chosen[other] === null ? 'none' : `"${chosen[other]}"`}: files of one table have the same columns`,
        { file, columns: there },
      );
    const own = groupsOf(file, metadata, columns, length);
    groups.push(...own);
    length += own.reduce((sum, group) => sum + group.length, 0);
    hash.update(footer);
  });
  const digest = hash.digest('hex');
  if (length === 0 && problems.length === 0) throw new DataError('empty-input', `${set} has no rows`, { path: set });
  const columns = chosen as ChosenColumns | null;
  const groupOf = groupFinder(groups);
  const unpacker = new Unpacker();
  const values = groupReader(columns, unpacker);
  const sets = new Map<string, ReturnType<typeof localFolder>>();
  const beside = (file: string): ReturnType<typeof localFolder> => {
    const folder = path.dirname(file);
    const known = sets.get(folder) ?? localFolder(folder, options);
    sets.set(folder, known);
    return known;
  };
  return {
    path: set,
    format: 'parquet',
    length,
    hasConditions: columns !== null && columns.condition !== null,
    digest: async () => digest,
    problems,
    where(i) {
      const { file, inFile, first } = groupOf(i);
      return `${names.get(file)}, row ${inFile + i - first + 1}`;
    },
    async row(i): Promise<Row> {
      const group = groupOf(i);
      const row = (await values(group))[i - group.first]!;
      const picture = (column: string): PictureRef => pictureOf(column, row[column], async (name) => (await beside(group.file)).read(name));
      const { image, caption, condition } = columns!;
      return {
        image: picture(image),
        caption: caption === null ? null : textOf(caption, row[caption]),
        condition: condition === null ? null : picture(condition),
      };
    },
    close: () => unpacker.close(),
  };
}

const damaged = (file: string, error: unknown): DataError =>
  error instanceof DataError
    ? error
    : new DataError(
        'invalid-archive',
        `${file} is damaged, cut short or no parquet table: ${systemProblem(error) ?? (error as Error).message}`,
        { file },
        {
          cause: error,
        },
      );

/** A part of a file as the reader of parquet asks for it. */
async function bufferOf(file: string): Promise<AsyncBuffer> {
  const bytes = await openLocal(file);
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    if (!(start >= 0 && end >= start && end <= bytes.size)) throw new Error(`it names bytes ${start} to ${end} of ${bytes.size}`);
    const part = await bytes.read(start, end - start);
    return part.buffer.slice(part.byteOffset, part.byteOffset + part.length) as ArrayBuffer;
  };
  return {
    byteLength: bytes.size,
    slice(start, end = bytes.size) {
      const part = read(start, end);
      // Several are asked for at a time and waited for one after the other: what fails behind the first failure is nobody's otherwise.
      part.catch(() => {});
      return part;
    },
  };
}

const TAIL = 8;

async function readMetadata(file: string): Promise<{ metadata: FileMetaData; footer: Uint8Array }> {
  try {
    const buffer = await bufferOf(file);
    const metadata = await parquetMetadataAsync(buffer);
    const tail = new DataView(await buffer.slice(buffer.byteLength - TAIL, buffer.byteLength));
    const footer = new Uint8Array(await buffer.slice(buffer.byteLength - TAIL - tail.getUint32(0, true), buffer.byteLength));
    return { metadata, footer };
  } catch (error) {
    throw damaged(file, error);
  }
}

function groupsOf(file: string, metadata: FileMetaData, columns: ChosenColumns, before: number): Group[] {
  const read = Object.values(columns).filter((name) => name !== null);
  let inFile = 0;
  return metadata.row_groups.map(({ num_rows, columns: chunks }) => {
    const length = Number(num_rows);
    const sizes = chunks.filter(({ meta_data }) => read.includes(meta_data?.path_in_schema[0] as string));
    const bytes = sizes.reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0);
    if (!Number.isSafeInteger(length) || length < 0) throw damaged(file, new Error(`a row group has ${num_rows} rows`));
    if (bytes > MAX_GROUP_BYTES)
      throw new DataError(
        'archive-limit',
        `${file} has a row group of ${bytes} bytes, the limit is ${MAX_GROUP_BYTES}: write smaller ones`,
        {
          file,
          bytes,
        },
      );
    const group = { file, metadata, inFile, first: before + inFile, length, bytes };
    inFile += length;
    return group;
  });
}

/** The group that a row lies in. */
function groupFinder(groups: readonly Group[]): (index: number) => Group {
  return (index) => {
    let [low, high] = [0, groups.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (groups[middle]!.first <= index) low = middle;
      else high = middle - 1;
    }
    return groups[low]!;
  };
}

/** Unpacks groups; those asked for last are kept. */
function groupReader(columns: ChosenColumns | null, unpacker: Unpacker): (group: Group) => Promise<readonly Values[]> {
  const kept = new Map<Group, Promise<readonly Values[]>>();
  let bytes = 0;
  const forget = (group: Group): void => {
    if (kept.delete(group)) bytes -= group.bytes;
  };
  return (group) => {
    const values = kept.get(group) ?? unpacked(group, columns!, unpacker);
    forget(group);
    kept.set(group, values);
    bytes += group.bytes;
    for (const oldest of kept.keys()) if (bytes > KEPT_BYTES && oldest !== group) forget(oldest);
    return values;
  };
}

async function unpacked(
  { file, metadata, inFile, length, bytes }: Group,
  columns: ChosenColumns,
  unpacker: Unpacker,
): Promise<readonly Values[]> {
  const limit = { seconds: LEAST_SECONDS + Math.ceil(bytes / BYTES_PER_SECOND), megabytes: MEGABYTES };
  try {
    const rows = await unpacker.unpack(
      {
        file,
        metadata,
        columns: [...new Set(Object.values(columns).filter((name) => name !== null))],
        rowStart: inFile,
        rowEnd: inFile + length,
      },
      limit,
    );
    if (rows.length !== length) throw new Error(`a row group has ${rows.length} of its ${length} rows`);
    return rows;
  } catch (error) {
    throw damaged(file, error);
  }
}

const nothing = (column: string, value: unknown, needed: string): DataError =>
  new DataError(
    'invalid-row',
    `"${column}" holds ${value === null || value === undefined ? 'nothing' : Array.isArray(value) ? 'a list' : `a ${typeof value}`}, where ${needed} is needed`,
    {
      column,
    },
  );

function textOf(column: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw nothing(column, value, 'a text');
}

/** Bytes, a name, or both, as Hugging Face's images: the bytes count, where there are any. */
function pictureOf(column: string, value: unknown, readFile: (name: string) => Promise<Uint8Array>): PictureRef {
  const { bytes, path: name } =
    value instanceof Uint8Array
      ? { bytes: value, path: null }
      : typeof value === 'string'
        ? { bytes: null, path: value }
        : ((value ?? {}) as { bytes?: unknown; path?: unknown });
  if (bytes instanceof Uint8Array && bytes.length > 0) return { name: `"${column}"`, read: async () => bytes };
  if (typeof name === 'string') return { name, read: () => readFile(name) };
  throw nothing(column, bytes ?? name, 'a picture (bytes, or the name of a file)');
}
