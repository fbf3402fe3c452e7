import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { decodeText } from '@controllab/data';
import { DataScalingError } from '../errors.ts';
import { FLOPS_PER_PARAMETER } from '../fit/iso-flop.ts';
import type { Runs, Variable } from '../fit/laws.ts';

/** Which columns are meant, where their names do not say it. */
export interface ColumnFlags {
  params?: string;
  examples?: string;
  flops?: string;
  loss?: string;
}

/** Names that are known, the first that a table has is taken; compared without case, spaces and punctuation. */
const KNOWN: Record<Variable | 'loss', readonly string[]> = {
  N: ['N', 'params', 'parameters', 'model size', 'num params', 'n params', 'param count', 'model parameters'],
  D: ['D', 'tokens', 'examples', 'training tokens', 'dataset size', 'data size', 'num tokens', 'n tokens', 'images', 'samples', 'size'],
  C: ['C', 'flops', 'flop', 'training flop', 'training flops', 'compute', 'total flops'],
  loss: ['loss', 'L', 'final loss', 'validation loss', 'val loss', 'eval loss', 'test loss', 'train loss', 'y'],
};
const FLAGS: Record<Variable | 'loss', keyof ColumnFlags> = { N: 'params', D: 'examples', C: 'flops', loss: 'loss' };

const plainName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Rows that a message names. */
const NAMED = 10;

/** A table of runs, and what was made of it. */
export interface RunTable {
  readonly runs: Runs;
  /** By variable: the column, or how it was computed. */
  readonly columns: Readonly<Partial<Record<Variable | 'loss', string>>>;
  /** What a reader must know: rows that were left out, columns that were computed. */
  readonly notes: readonly string[];
}

export interface ReadOptions extends ColumnFlags {
  /** Bad rows are left out, and named, instead of refused. */
  skipBadRows?: boolean;
  /** Runs of the highest losses that are left out. */
  dropHighest?: number;
}

/**
 * Runs from a CSV file with a header: the loss, and one or more of parameters (N), examples or tokens (D) and operations (C). With N and
 * one other the third is computed by C = 6 N D.
 * @throws DataScalingError invalid-runs naming file and rows or columns; DataError invalid-text
 */
export async function readRuns(file: string, options: ReadOptions = {}): Promise<RunTable> {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new DataScalingError('invalid-runs', `${file}: ${message}`, { file, ...values });
  };
  const bytes = await readFile(file).catch((error: Error) => fail(`cannot be read: ${error.message}`));
  const text = decodeText(bytes, file);
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = [',', ';', '\t'].find((mark) => first.includes(mark)) ?? ',';
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(text, { bom: true, delimiter, skip_empty_lines: true, relax_column_count: true, info: true }) as unknown as typeof rows;
  } catch (error) {
    return fail(`is no CSV table: ${(error as Error).message}`);
  }
  const header = (rows.shift()?.record ?? []).map((name) => name.trim());
  const at = columnsOf(header, options, fail);
  const wanted = Object.entries(at) as [Variable | 'loss', number][];
  const values: Record<string, number[]> = Object.fromEntries(wanted.map(([name]) => [name, []]));
  const bad: string[] = [];
  for (const { record, info } of rows) {
    const problems =
      record.length === header.length
        ? wanted.flatMap(([, column]) => problemOf(record[column]!, header[column]!))
        : [`has ${record.length} fields, the header ${header.length}`];
    if (problems.length > 0) bad.push(`row ${info.lines} (${problems.join(', ')})`);
    else for (const [name, column] of wanted) values[name]!.push(Number(record[column]));
  }
  const badText = `${bad.slice(0, NAMED).join('; ')}${bad.length > NAMED ? `; and ${bad.length - NAMED} more` : ''}`;
  if (bad.length > 0 && options.skipBadRows !== true)
    fail(`${bad.length} of ${rows.length} rows are no runs: ${badText}. --skip-bad-rows leaves them out`, { bad });
  const notes = bad.length > 0 ? [`${bad.length} of ${rows.length} rows are left out: ${badText}.`] : [];
  const columns = Object.fromEntries(wanted.map(([name, column]) => [name, header[column]!])) as RunTable['columns'];
  return completed(withoutHighest(values as Values, options.dropHighest ?? 0, notes, fail), columns, notes);
}

type Values = Partial<Record<Variable, number[]>> & { loss: number[] };
type Fail = (message: string, values?: Record<string, unknown>) => never;

const problemOf = (text: string, column: string): string[] =>
  text.trim() !== '' && Number(text) > 0 && Number.isFinite(Number(text)) ? [] : [`${column} is "${text}", not a positive number`];

function columnsOf(header: readonly string[], flags: ColumnFlags, fail: Fail): Partial<Record<Variable | 'loss', number>> {
  const list = header.join(', ') || 'nothing';
  const found = (Object.keys(KNOWN) as (Variable | 'loss')[]).flatMap((name) => {
    const given = flags[FLAGS[name]];
    const names = given === undefined ? KNOWN[name] : [given];
    const index =
      given === undefined
        ? names.map((known) => header.findIndex((one) => plainName(one) === plainName(known))).find((i) => i >= 0)
        : header.indexOf(given);
    if (given !== undefined && index === -1)
      fail(`has no column "${given}" (--${FLAGS[name]}); its columns are ${list}`, { column: given });
    if (index === undefined) return [];
    if (header.filter((one) => one === header[index]).length > 1)
      fail(`has the column "${header[index]}" more than once`, { column: header[index] });
    return [[name, index] as const];
  });
  const at = Object.fromEntries(found) as Partial<Record<Variable | 'loss', number>>;
  if (at.loss === undefined) fail(`no column is known as the loss; its columns are ${list}: name it with --loss`, { header });
  if (Object.keys(at).length === 1)
    fail(
      `no column is known as parameters (N), examples (D) or operations (C); its columns are ${list}: name them with --params, --examples, --flops`,
      { header },
    );
  return at;
}

function withoutHighest(values: Values, drop: number, notes: string[], fail: Fail): Values {
  if (drop === 0) return values;
  if (drop >= values.loss.length) fail(`--drop-highest=${drop} leaves none of its ${values.loss.length} runs`);
  const limit = values.loss.toSorted((a, b) => b - a)[drop]!;
  const kept = Array.from(values.loss.keys())
    .sort((a, b) => values.loss[a]! - values.loss[b]!)
    .slice(0, -drop)
    .sort((a, b) => a - b);
  notes.push(`The ${drop} runs of the highest losses are left out, as asked: those above ${limit.toPrecision(4)}.`);
  return Object.fromEntries(Object.entries(values).map(([name, all]) => [name, kept.map((i) => all![i]!)])) as Values;
}

function completed(values: Values, columns: RunTable['columns'], notes: string[]): RunTable {
  const runs = Object.fromEntries(Object.entries(values).map(([name, all]) => [name, Float64Array.from(all!)])) as unknown as Runs;
  const { N, D, C } = runs;
  if (N !== undefined && D === undefined && C !== undefined) {
    notes.push(`D is computed as C / (${FLOPS_PER_PARAMETER} N).`);
    return {
      runs: { ...runs, D: C.map((c, i) => c / (FLOPS_PER_PARAMETER * N[i]!)) },
      columns: { ...columns, D: `C / (${FLOPS_PER_PARAMETER} N)` },
      notes,
    };
  }
  if (N !== undefined && D !== undefined && C === undefined) {
    notes.push(`C is computed as ${FLOPS_PER_PARAMETER} N D.`);
    return {
      runs: { ...runs, C: N.map((n, i) => FLOPS_PER_PARAMETER * n * D[i]!) },
      columns: { ...columns, C: `${FLOPS_PER_PARAMETER} N D` },
      notes,
    };
  }
  return { runs, columns, notes };
}
