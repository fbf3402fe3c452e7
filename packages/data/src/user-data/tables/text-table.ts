import { parse } from 'csv-parse/sync';
import { csvDelimiter, declaredDelimiter } from '../../csv.ts';
import { DataError } from '../../errors.ts';
import { decodeText } from '../../text.ts';
import type { FileSet, RandomBytes } from '../files/file-set.ts';
import { digestOfRows, rowProblem, type Row, type Rows } from '../rows.ts';
import type { UserDataOptions } from '../options.ts';
import { chooseColumns, type ChosenColumns } from './columns.ts';
import { indexRecords, type RecordIndex } from './records.ts';

/** A table's rows as values by column, each read when it is asked for. */
interface Records {
  readonly columns: readonly string[];
  readonly length: number;
  where(index: number): string;
  record(index: number): Promise<Readonly<Record<string, unknown>>>;
}

/** Most bytes of a JSON array, which is held as a whole. */
const MAX_ARRAY_BYTES = 64 * 2 ** 20;

/**
 * A table of texts beside pictures: CSV, a JSON object a line, or one JSON array of objects. But for that array only where its rows lie is
 * held: millions take tens of megabytes.
 * @param files what it lies in, and its pictures: their names are relative to it
 * @throws DataError invalid-columns, invalid-text, empty-input
 */
export async function openTextTable(
  files: FileSet,
  table: string,
  format: 'csv' | 'jsonl' | 'imagefolder',
  options: UserDataOptions,
): Promise<Rows> {
  const path = `${files.path}/${table}`;
  const file = await files.open(table);
  const isCsv = /\.[ct]sv$/i.test(table);
  const head = await file.read(0, 1 << 16);
  refuseWide(path, head);
  const csv = isCsv ? dialectOf(head, table) : null;
  const index = await indexRecords(file, csv === null ? null : csv.delimiter.charCodeAt(0));
  const records = await (csv !== null
    ? csvRecords(path, table, index, csv, options)
    : beginsAsArray(head)
      ? jsonArray(path, table, file, index, options)
      : jsonRecords(path, table, index, options));
  if (records.length === 0) throw new DataError('empty-input', `${path} has no rows`, { path });
  const columns = chooseColumns(path, records.columns, options.columns ?? {}, { captions: options.captions ?? 'required' });
  return {
    path,
    format,
    length: records.length,
    hasConditions: columns.condition !== null,
    // The table holds the captions; its pictures may be other files under the same names.
    digest: () =>
      digestOfRows(
        records.length,
        async (i) => {
          const { image, condition } = rowOf(await records.record(i), columns, files);
          return Promise.all([image, ...(condition === null ? [] : [condition])].map(({ name }) => files.stamp(name)));
        },
        index.digest,
      ),
    problems: [],
    where: (i) => records.where(i),
    row: async (i) => rowOf(await records.record(i), columns, files),
    close: () => files.close(),
  };
}

function rowOf(record: Readonly<Record<string, unknown>>, columns: ChosenColumns, files: FileSet): Row {
  const text = (column: string): string => {
    const value = record[column];
    if (typeof value === 'string') return value;
    const found =
      value === undefined ? 'is missing' : `holds ${value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`}`;
    throw new DataError('invalid-row', `"${column}" ${found}, where a text is needed`, { column });
  };
  const picture = (column: string) => {
    const name = text(column).trim();
    return { name, read: () => files.read(name) };
  };
  return {
    image: picture(columns.image),
    caption: columns.caption === null ? null : text(columns.caption),
    condition: columns.condition === null ? null : picture(columns.condition),
  };
}

/** Every second byte of a text in UTF-16 is zero: its lines cannot be found in bytes. */
function refuseWide(path: string, head: Buffer): void {
  const marked = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (marked || head.subarray(0, 4).includes(0))
    throw new DataError('invalid-text', `${path} is a text in UTF-16, or no text: save it as UTF-8`, { path });
}

/** How a CSV table is written. */
interface Dialect {
  /** One byte. */
  readonly delimiter: string;
  /** Which record is the header: it may stand below a line `sep=;`. */
  readonly header: number;
}

/** By its first bytes, in whatever encoding: all that decides is ASCII. */
function dialectOf(head: Buffer, table: string): Dialect {
  const text = head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  return { delimiter: csvDelimiter(text, table), header: declaredDelimiter(text) === null ? 0 : 1 };
}

async function csvRecords(
  path: string,
  table: string,
  index: RecordIndex,
  { delimiter, header }: Dialect,
  { encoding }: UserDataOptions,
): Promise<Records> {
  const fields = async (i: number): Promise<string[]> => {
    const text = decodeText(await index.read(i), 'it', encoding);
    let records: string[][];
    try {
      records = parse(text, { delimiter, relax_column_count: true });
    } catch (error) {
      throw new DataError('invalid-row', `it is no row of CSV: ${firstSentence(error as Error)}${cutShort(index, i)}`, {});
    }
    if (records.length > 1) throw new DataError('invalid-row', `it is ${records.length} rows of CSV: end each with a line break`, {});
    return records[0] ?? [];
  };
  if (index.length === header) throw new DataError('empty-input', `${path} is empty`, { path });
  const columns = (
    await fields(header).catch((error: Error) => {
      throw error instanceof DataError ? new DataError(error.code, `${path}: its header: ${error.message}`, { path }) : error;
    })
  ).map((name) => name.trim());
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new DataError('invalid-columns', `${path} has two columns "${twice}"`, { path, column: twice });
  return {
    columns,
    length: index.length - header - 1,
    where: (i) => `${table}, row ${index.number(i + header + 1)}`,
    async record(i) {
      const values = await fields(i + header + 1);
      if (values.length !== columns.length)
        throw new DataError(
          'invalid-row',
          `it has ${values.length} fields, the header has ${columns.length}${values.length < columns.length ? cutShort(index, i + header + 1) : ''}`,
          { fields: values.length },
        );
      return Object.fromEntries(columns.map((column, c) => [column, values[c]]));
    },
  };
}

/** Of a record that is not whole: whether the file ends within it. */
const cutShort = ({ open, length }: RecordIndex, i: number): string =>
  open && i === length - 1 ? '; the file ends there without a line break: it is cut short' : '';

/** Of csv-parse's messages: what follows names lines within the row. */
const firstSentence = ({ message }: Error): string => message.split(/ at line | on line /)[0]!;

/** Brackets without end: to read megabytes of them takes a hundred times as much memory. */
const NESTED = /(?:[[{]\s*){65}/;

/** A value of JSON. @throws DataError invalid-row */
function parsed(text: string, more = ''): unknown {
  if (NESTED.test(text)) throw new DataError('invalid-row', 'it opens more than 64 brackets in a row', {});
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError('invalid-row', `it is no JSON: ${(error as Error).message}${more}`, {}, { cause: error });
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DataError('invalid-row', 'it is no JSON object', {});
}

async function jsonRecords(path: string, table: string, index: RecordIndex, { encoding }: UserDataOptions): Promise<Records> {
  const record = async (i: number): Promise<Readonly<Record<string, unknown>>> =>
    objectOf(parsed(decodeText(await index.read(i), 'it', encoding), cutShort(index, i)));
  const where = (i: number): string => `${table}, line ${index.number(i)}`;
  return { columns: await firstColumns({ path, length: index.length, where, record }), length: index.length, where, record };
}

/** Whether the first letter of a text is the bracket of an array. */
const beginsAsArray = (head: Buffer): boolean => /^(\xef\xbb\xbf)?\s*\[/.test(head.toString('latin1'));

/** One array of objects, as `json.dump` writes a list. What is none may be lines of which the first is a bad one, but for a .json. */
async function jsonArray(path: string, table: string, file: RandomBytes, index: RecordIndex, options: UserDataOptions): Promise<Records> {
  const mayBeLines = index.length > 1 && !/\.json$/i.test(table);
  let values: unknown;
  try {
    if (file.size > MAX_ARRAY_BYTES)
      throw new DataError('invalid-row', `it has ${file.size} bytes, the limit is ${MAX_ARRAY_BYTES}: write an object a line`, {});
    values = parsed(decodeText(await file.read(0, file.size), 'it', options.encoding));
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    if (mayBeLines) return jsonRecords(path, table, index, options);
    throw new DataError(
      error.code,
      `${path} begins as a JSON array, and cannot be read as one: ${error.message}`,
      { path },
      { cause: error },
    );
  }
  const rows = values as readonly unknown[];
  const record = async (i: number): Promise<Readonly<Record<string, unknown>>> => objectOf(rows[i]);
  const where = (i: number): string => `${table}, object ${i + 1}`;
  return { columns: await firstColumns({ path, length: rows.length, where, record }), length: rows.length, where, record };
}

/** Rows that are looked at for the names of columns. */
const HEADER_ROWS = 100;

/**
 * Names in the first rows that can be read, in their order: some objects lack what others have. Where no row can be read, the error of the
 * first says why, and where.
 */
async function firstColumns({ path, length, where, record }: { path: string } & Omit<Records, 'columns'>): Promise<string[]> {
  let first: DataError | null = null;
  const names = new Set<string>();
  for (let i = 0; i < Math.min(length, HEADER_ROWS); i++) {
    try {
      for (const name of Object.keys(await record(i))) names.add(name);
    } catch (error) {
      const reason = rowProblem(error);
      if (reason === null) throw error;
      const code = error instanceof DataError ? error.code : 'file-read';
      first ??= new DataError(code, `${path}: ${where(i)}: ${reason}`, { path }, { cause: error });
    }
  }
  if (names.size === 0 && first !== null) throw first;
  return [...names];
}
