import { readFile } from 'node:fs/promises';
import { decodeText, parseCsv, systemProblem, type CsvRow } from '@controllab/data';
import { median } from '@controllab/report';
import { DataScalingError } from '../errors.ts';
import { FLOPS_PER_PARAMETER } from '../fit/iso-flop.ts';
import type { Runs, Variable } from '../fit/laws.ts';
import { columnsOf, type Column, type ColumnFlags, type Fail } from './columns.ts';
import { isThousands, readNumber } from './numbers.ts';

/** How an .xlsx, .ods or .zip begins. */
const ARCHIVE = Buffer.from('PK\x03\x04', 'latin1');

/** Rows, or columns, that a message names. */
const NAMED = 10;

/** A table of runs, and what was made of it. */
export interface RunTable {
  readonly runs: Runs;
  /** Of each run: its line in the file, the first where it has several. */
  readonly lines: readonly number[];
  /** What a reader must know: which columns were read, rows that were left out, columns that were computed. */
  readonly notes: readonly string[];
}

export interface ReadOptions extends ColumnFlags {
  /** Bad rows are left out, and named, instead of refused. */
  skipBadRows?: boolean;
  /** Runs of the highest losses that are left out. */
  dropHighest?: number;
}

/** Columns of numbers, and of where each run stands. */
type Values = Partial<Record<Variable, number[]>> & { loss: number[]; line: number[] };

/**
 * Runs from a CSV file with a header: the loss, and one or more of parameters (N), examples or tokens (D) and operations (C). With two of
 * them the third is computed by C = 6 N D.
 * @throws DataScalingError invalid-runs naming file and lines or columns; DataError invalid-text
 */
export async function readRuns(file: string, options: ReadOptions = {}): Promise<RunTable> {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new DataScalingError('invalid-runs', `${file}: ${message}`, { file, ...values });
  };
  const bytes = await readFile(file).catch((error: Error) => {
    // The system's error for a folder has no path.
    const problem = systemProblem(Object.assign(error, { path: file })) ?? `${file}: cannot be read: ${error.message}`;
    throw new DataScalingError('invalid-runs', problem, { file });
  });
  if (bytes.subarray(0, 4).equals(ARCHIVE)) fail('is a workbook or an archive: save its table as CSV');
  const { header, rows, delimiter } = tableOf(decodeText(bytes, file), file, fail);
  const columns = columnsOf(header, options, fail);
  if (rows.length === 0) fail('has a header and no rows below it: it takes a run a row');
  if (delimiter !== ',') refuseThousands(columns, rows, fail);
  const values = Object.fromEntries(['line', ...columns.map(({ quantity }) => quantity)].map((name) => [name, [] as number[]])) as Values;
  const bad: string[] = [];
  /** The first number with a comma. */
  let comma: string | null = null;
  for (const { record, line } of rows) {
    if (record.length !== header.length) {
      bad.push(`line ${line} (has ${record.length} fields, the header ${header.length})`);
      continue;
    }
    const read = columns.map(({ index }) => readNumber(record[index]!, { decimalComma: delimiter !== ',' }));
    const problems = read.flatMap((one, c) => (typeof one === 'string' ? [`${columns[c]!.name} ${one}`] : []));
    if (problems.length > 0) {
      bad.push(`line ${line} (${problems.join(', ')})`);
      continue;
    }
    values.line.push(line);
    columns.forEach(({ quantity, factor }, c) => values[quantity]!.push((read[c] as number) * factor));
    comma ??= columns.map(({ index }) => record[index]!.trim()).find((field) => field.includes(',')) ?? null;
  }
  const badText = `${bad.slice(0, NAMED).join('; ')}${bad.length > NAMED ? `; and ${bad.length - NAMED} more` : ''}`;
  const commas =
    delimiter === ',' && rows.some(({ record }) => record.length > header.length)
      ? '. Where a comma is the decimal point, fields must be separated by semicolons or tabs'
      : '';
  if (bad.length === rows.length) fail(`none of its ${rows.length} rows is a run: ${badText}${commas}`, { bad });
  if (bad.length > 0 && options.skipBadRows !== true)
    fail(`${bad.length} of ${rows.length} rows are no runs: ${badText}. --skip-bad-rows leaves them out${commas}`, { bad });
  const notes = [
    `${columns.map(({ quantity, name, factor }) => `${quantity} from "${name}"${factor === 1 ? '' : ` times ${powerOfTen(factor)}`}`).join(', ')}.`,
  ];
  const unused = header
    .filter((name, index) => name !== '' && !columns.some((column) => column.index === index))
    .map((name) => `"${name}"`);
  if (unused.length > 0)
    notes.push(
      `Columns that are not used: ${unused.slice(0, NAMED).join(', ')}${unused.length > NAMED ? ` and ${unused.length - NAMED} more` : ''}.`,
    );
  if (bad.length > 0) notes.push(`${bad.length} of ${rows.length} rows are left out: ${badText}.`);
  if (comma !== null) notes.push(`A comma in a number is read as its decimal point: "${comma}" is ${comma.replace(',', '.')}.`);
  if (delimiter !== ',') notes.push(...thousandNotes(columns, rows));
  notes.push(...groupNotes(header, columns, rows), ...repeatNotes(values));
  const kept = withoutHighest(values, options.dropHighest ?? 0, notes, fail);
  const { line, ...numbers } = kept;
  const runs = Object.fromEntries(Object.entries(numbers).map(([name, all]) => [name, Float64Array.from(all)])) as unknown as Runs;
  return { runs: completed(runs, notes), lines: line, notes };
}

const powerOfTen = (factor: number): string => `10^${Math.round(Math.log10(factor))}`;

/** Header and rows of a CSV text. */
function tableOf(text: string, file: string, fail: Fail): { header: string[]; rows: CsvRow[]; delimiter: string } {
  // Programs that append to a table may end lines otherwise than it does.
  const { rows: all, delimiter } = parseCsv(text.replace(/\r\n?/g, '\n'), fail, { file, uneven: true });
  // Spreadsheets write rows of delimiters alone below a table.
  const [first, ...rows] = all.filter(({ record }) => record.some((field) => field.trim() !== ''));
  if (first === undefined) return fail('is empty: it takes a header, and a run a row');
  // As numpy.savetxt writes a heading.
  const [name, ...names] = first.record as [string, ...string[]];
  return { header: [name.replace(/^#\s+/, ''), ...names].map((one) => one.trim()), rows, delimiter };
}

/** The mark in a field that has one, between digits. */
const markOf = (field: string): '.' | ',' | null => (/^\s*[+-]?\d*([.,])\d/.exec(field)?.[1] as '.' | ',' | undefined) ?? null;

/**
 * Refuses sizes of which some are written with thousands: three digits behind a mark that is no decimal point elsewhere in the table, or
 * beside plain whole numbers in their own column. Read as decimals, they would be a thousandth of themselves beside the others.
 */
function refuseThousands(columns: readonly Column[], rows: readonly CsvRow[], fail: Fail): void {
  const fields = columns.flatMap(({ index }) => rows.map(({ record }) => record[index] ?? ''));
  const points = new Set(fields.filter((field) => !isThousands(field)).map(markOf));
  for (const { quantity, index, name } of columns) {
    if (quantity === 'loss') continue;
    const column = rows.map(({ record, line }) => ({ field: (record[index] ?? '').trim(), line }));
    const suspect = column.filter(({ field }) => isThousands(field));
    const others = column.filter(({ field }) => !isThousands(field));
    const other = suspect.find(({ field }) => points.has(markOf(field) === '.' ? ',' : '.') && !points.has(markOf(field)));
    const mixed = suspect.length > 0 && others.length > 0 && others.every(({ field }) => /^\d+$/.test(field)) ? suspect[0] : undefined;
    const found = other ?? mixed;
    if (found !== undefined)
      fail(
        `line ${found.line} has "${found.field}" in "${name}": by the rest of the table that may be thousands. Write sizes without points or commas between thousands`,
        { line: found.line },
      );
  }
}

/** Few different words in a column that is not read: several curves in one table. */
function groupNotes(header: readonly string[], columns: readonly Column[], rows: readonly CsvRow[]): string[] {
  return header.flatMap((name, index) => {
    if (name === '' || columns.some((column) => column.index === index)) return [];
    const words = rows.map(({ record }) => (record[index] ?? '').trim());
    const different = [...new Set(words)];
    const few = different.length > 1 && different.length <= Math.min(NAMED, rows.length / 3);
    return few && different.every((word) => word !== '' && !/^[\d.,+-]/.test(word))
      ? [
          `"${name}" has ${different.length} values (${different.join(', ')}): their runs are fitted as one. Where each has a law of its own, give a table of each.`,
        ]
      : [];
  });
}

/** Runs that are alike in everything that is read. */
function repeatNotes({ line, ...quantities }: Values): string[] {
  const seen = new Set<string>();
  const repeats = line.filter((_, i) => {
    const before = seen.size;
    seen.add(Object.values(quantities).map((all) => all[i]!).join(' ')); // prettier-ignore
    return seen.size === before;
  });
  if (repeats.length === 0) return [];
  const named = `${repeats.slice(0, NAMED).join(', ')}${repeats.length > NAMED ? ' and others' : ''}`;
  return [
    `${repeats.length} of ${line.length} rows (${repeats.length === 1 ? 'line' : 'lines'} ${named}) repeat another in all that is read, and count as runs of their own: take them out if they are the same runs.`,
  ];
}

/** Sizes that all have three digits behind a point or comma, where commas separate no fields: they may be thousands. */
const thousandNotes = (columns: readonly Column[], rows: readonly CsvRow[]): string[] =>
  columns
    .filter(({ quantity, index }) => quantity !== 'loss' && rows.every(({ record }) => isThousands(record[index] ?? '')))
    .map(({ name, index }) => {
      const example = rows[0]!.record[index]!.trim();
      return `All of "${name}" are as "${example}", read as ${Number(example.replace(',', '.'))}: write thousands without a point or comma.`;
    });

function withoutHighest(values: Values, drop: number, notes: string[], fail: Fail): Values {
  if (drop === 0) return values;
  if (drop >= values.loss.length) fail(`--drop-highest=${drop} leaves none of its ${values.loss.length} runs`);
  const limit = values.loss.toSorted((a, b) => b - a)[drop]!;
  const kept = Array.from(values.loss.keys())
    .sort((a, b) => values.loss[a]! - values.loss[b]!)
    .slice(0, -drop)
    .sort((a, b) => a - b);
  notes.push(`The ${drop} runs of the highest losses are left out, as asked: those above ${limit.toPrecision(4)}.`);
  return Object.fromEntries(Object.entries(values).map(([name, all]) => [name, kept.map((i) => all[i]!)])) as Values;
}

/** The third of N, D and C from the other two; a note where the three disagree, or what is computed cannot be. */
function completed(runs: Runs, notes: string[]): Runs {
  const { N, D, C } = runs;
  const made = (quantity: Variable, formula: string, values: Float64Array): Runs => {
    notes.push(`${quantity} is computed as ${formula}.`);
    if (median(values) < 1) notes.push(`The median ${quantity} is ${median(values).toPrecision(3)}: is C in other units than operations?`);
    return { ...runs, [quantity]: values };
  };
  if (C === undefined)
    return N === undefined || D === undefined
      ? runs
      : made(
          'C',
          `${FLOPS_PER_PARAMETER} N D`,
          N.map((n, i) => FLOPS_PER_PARAMETER * n * D[i]!),
        );
  if (N !== undefined && D !== undefined) {
    const ratio = median(C.map((c, i) => c / (FLOPS_PER_PARAMETER * N[i]! * D[i]!)));
    if (ratio < 0.5 || ratio > 2)
      notes.push(`C is ${ratio.toPrecision(3)} times ${FLOPS_PER_PARAMETER} N D in the median run: is one of them in other units?`);
    return runs;
  }
  if (N !== undefined)
    return made(
      'D',
      `C / (${FLOPS_PER_PARAMETER} N)`,
      C.map((c, i) => c / (FLOPS_PER_PARAMETER * N[i]!)),
    );
  if (D !== undefined)
    return made(
      'N',
      `C / (${FLOPS_PER_PARAMETER} D)`,
      C.map((c, i) => c / (FLOPS_PER_PARAMETER * D[i]!)),
    );
  return runs;
}
