import { parse } from 'csv-parse/sync';
import { DataError } from '../../errors.ts';
import { decodeText } from '../../text.ts';
import { systemProblem } from '../../system-problem.ts';
import type { FileSet } from '../files/file-set.ts';
import type { Row, Rows } from '../rows.ts';
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

/**
 * A table of texts beside pictures: CSV, or a JSON object a line. Only where its rows lie is held: millions take tens of megabytes.
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
  const delimiter = isCsv ? delimiterOf(head) : null;
  const index = await indexRecords(file, delimiter === null ? null : delimiter.charCodeAt(0));
  const records = await (delimiter === null ? jsonRecords(table, index, options) : csvRecords(path, table, index, delimiter, options));
  if (records.length === 0) throw new DataError('empty-input', `${path} has no rows`, { path });
  const columns = chooseColumns(path, records.columns, options.columns ?? {}, { captions: options.captions ?? 'required' });
  return {
    path,
    format,
    length: records.length,
    hasConditions: columns.condition !== null,
    digest: index.digest,
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

/** A comma, or what stands in the header of a table without one: Excel writes semicolons where the comma is a decimal point. */
function delimiterOf(head: Buffer): string {
  const header = head.toString('latin1').split(/[\r\n]/, 1)[0]!;
  return [',', '\t', ';'].find((one) => header.includes(one)) ?? ',';
}

async function csvRecords(
  path: string,
  table: string,
  index: RecordIndex,
  delimiter: string,
  { encoding }: UserDataOptions,
): Promise<Records> {
  const fields = async (i: number): Promise<string[]> => {
    const text = decodeText(await index.read(i), 'it', encoding);
    try {
      return (parse(text, { delimiter, relax_column_count: true }) as string[][])[0] ?? [];
    } catch (error) {
      throw new DataError('invalid-row', `it is no row of CSV: ${firstSentence(error as Error)}${cutShort(index, i)}`, {});
    }
  };
  if (index.length === 0) throw new DataError('empty-input', `${path} is empty`, { path });
  const columns = (
    await fields(0).catch((error: Error) => {
      throw error instanceof DataError ? new DataError(error.code, `${path}: its header: ${error.message}`, { path }) : error;
    })
  ).map((name) => name.trim());
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new DataError('invalid-columns', `${path} has two columns "${twice}"`, { path, column: twice });
  return {
    columns,
    length: index.length - 1,
    where: (i) => `${table}, row ${index.number(i + 1)}`,
    async record(i) {
      const values = await fields(i + 1);
      if (values.length !== columns.length)
        throw new DataError(
          'invalid-row',
          `it has ${values.length} fields, the header has ${columns.length}${values.length < columns.length ? cutShort(index, i + 1) : ''}`,
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

async function jsonRecords(table: string, index: RecordIndex, { encoding }: UserDataOptions): Promise<Records> {
  const record = async (i: number): Promise<Readonly<Record<string, unknown>>> => {
    const text = decodeText(await index.read(i), 'it', encoding);
    if (NESTED.test(text)) throw new DataError('invalid-row', 'it opens more than 64 brackets in a row', {});
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new DataError('invalid-row', `it is no JSON: ${(error as Error).message}${cutShort(index, i)}`, {}, { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DataError('invalid-row', 'it is no JSON object', {});
    return value as Record<string, unknown>;
  };
  return {
    columns: await firstColumns(index.length, record),
    length: index.length,
    where: (i) => `${table}, line ${index.number(i)}`,
    record,
  };
}

/** Lines that are looked at for the names of columns. */
const HEADER_LINES = 100;

/** Names in the first line that can be read, or else no columns: then the error of the first line says why. */
async function firstColumns(length: number, record: (i: number) => Promise<object>): Promise<string[]> {
  let first: unknown = null;
  for (let i = 0; i < Math.min(length, HEADER_LINES); i++) {
    try {
      return Object.keys(await record(i));
    } catch (error) {
      if (!(error instanceof DataError) && systemProblem(error) === null) throw error;
      first ??= error;
    }
  }
  if (first !== null) throw first;
  return [];
}
