import { parse } from 'csv-parse/sync';

/** Of a table, what is looked at for its delimiter. */
const HEAD_LENGTH = 1 << 16;
const BYTE_ORDER_MARK = /^\ufeff/;
/** Excel's own line above a header. */
const DECLARATION = /^"?sep=([^\r\n"])"?(?=[\r\n]|$)/i;
const QUOTED_FIELD = /(^|[,;\t\r\n])"(?:[^"]|"")*"/g;
const MARKS = [',', ';', '\t'];

/** Excel's own line at the front of a CSV text, `sep=;`, without its line break, and the delimiter that it names; null without one. */
export function declaredDelimiter(text: string): { line: string; delimiter: string } | null {
  const found = DECLARATION.exec(text);
  return found === null ? null : { line: found[0], delimiter: found[1]! };
}

/**
 * What separates the fields of a CSV text: what its line `sep=;` declares; a tab in a .tsv whose header has one; else that of a comma, a
 * semicolon (Excel's, where the comma is a decimal point) and a tab that stands most often in the header outside quotes. One that does not
 * divide the first row into as many fields as the header is part of a name, unless that is so of all.
 * @param text the table's beginning is enough
 * @param file its name, if it has one
 */
export function csvDelimiter(text: string, file = ''): string {
  const head = text.slice(0, HEAD_LENGTH).replace(BYTE_ORDER_MARK, '');
  const declared = declaredDelimiter(head);
  if (declared !== null) return declared.delimiter;
  const lines = head.replace(QUOTED_FIELD, '$1').split(/[\r\n]+/);
  const [header = '', row = header] = lines.filter((line) => line.trim() !== '');
  const marks = MARKS.filter((mark) => header.includes(mark));
  if (marks.includes('\t') && /\.tsv$/i.test(file)) return '\t';
  const fields = (line: string, mark: string): number => line.split(mark).length;
  const even = marks.filter((mark) => fields(row, mark) === fields(header, mark));
  const [first = ',', ...others] = even.length > 0 ? even : marks;
  return others.reduce((best, mark) => (fields(header, mark) > fields(header, best) ? mark : best), first);
}

/** A record of a CSV text. */
export interface CsvRow {
  readonly record: readonly string[];
  /** Its first line in the text, from 1. */
  readonly line: number;
}

/**
 * A CSV text's records, its header first. Empty lines are passed over; a byte order mark and a line `sep=;` are none of them.
 * @param fail throws the caller's error: for what is no CSV table, and, unless `uneven`, for a row of other than the header's number of
 * fields, and for a last row without a line break behind it, as a file that was cut short has
 * @param file its name, if it has one: a .tsv has tabs
 * @param uneven gives rows of any length, to a caller who looks at them
 */
export function parseCsv(
  text: string,
  fail: (message: string) => never,
  { file, uneven = false }: { file?: string; uneven?: boolean } = {},
): { readonly rows: CsvRow[]; readonly delimiter: string } {
  const marked = text.replace(BYTE_ORDER_MARK, '');
  const delimiter = csvDelimiter(marked, file);
  // The declaration's line break stays: lines are counted as the file has them.
  const table = marked.slice(declaredDelimiter(marked)?.line.length ?? 0);
  /** The last line of each record. */
  const lastLines: number[] = [];
  let records: string[][];
  try {
    records = parse(table, {
      delimiter,
      skip_empty_lines: true,
      relax_column_count: uneven,
      on_record: (record, { lines }) => {
        lastLines.push(lines);
        return record;
      },
    });
  } catch (error) {
    return fail(`is no CSV table: ${(error as Error).message}`);
  }
  // A text cut short parses as well, if it is cut within its last field.
  if (!uneven && !/[\r\n]$/.test(table) && records.length > 0)
    fail('its last row does not end with a line break, as that of a file that was cut short: look at it, and add one if it is whole');
  let pairs = 0;
  const rows = records.map((record, i) => {
    const count = (breaks: RegExp): number => record.reduce((sum, field) => sum + field.split(breaks).length - 1, 0);
    // The parser takes CRLF within quotes for two lines.
    const line = lastLines[i]! - pairs - count(/[\r\n]/);
    pairs += count(/\r\n/);
    return { record, line };
  });
  return { rows, delimiter };
}

const csvField = (value: string | number): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Records as a CSV text: RFC 4180 with a newline after every line, UTF-8 without a mark. `parseCsv` reads the same records. */
export const csvText = (records: readonly (readonly (string | number)[])[]): string =>
  records.map((record) => `${record.map(csvField).join(',')}\n`).join('');
