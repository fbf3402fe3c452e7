import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseObject } from '@controllab/core-blocks';
import { parseCsv } from '@controllab/data';
import { ExperimentError } from '../../runner/errors.ts';

/** A line of a prompts file. */
export interface PromptRow {
  readonly prompt: string;
  /** Undefined: the command's own. */
  readonly negativePrompt?: string;
  readonly seed?: number;
  /** The pictures of its conditions, in the order of the controls. */
  readonly conditions?: readonly RowCondition[];
}

/** A picture that a row names, relative to the prompts file, and where it does. */
export interface RowCondition {
  readonly file: string;
  /** Such as `p.csv, row 3`. */
  readonly place: string;
}

/** A row with where it stands. */
interface PlacedRow {
  readonly row: PromptRow;
  readonly place: string;
}

/** Columns of a table of prompts, by the names that tables give them. */
const COLUMNS: Readonly<Record<string, keyof PromptRow>> = {
  prompt: 'prompt',
  negative_prompt: 'negativePrompt',
  'negative prompt': 'negativePrompt',
  negativePrompt: 'negativePrompt',
  seed: 'seed',
  condition: 'conditions',
};
/** A1111's "Prompts from file" reads flags on such a line. */
const FLAGS = /^--(?:prompt|negative_prompt|steps|seed|sampler_name|sampler_index|width|height|cfg_scale|batch_size|n_iter)\b/;

type Fail = (place: string | null, message: string) => never;

function textRows(text: string, fail: Fail): PlacedRow[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (FLAGS.test(line))
      fail(
        `line ${i + 1}`,
        `"${line.slice(0, 40)}": flags in a line are not read; put prompt, negative_prompt and seed in a .csv or .jsonl file`,
      );
    return line.trim() === '' ? [] : [{ row: { prompt: line }, place: `line ${i + 1}` }];
  });
}

function seedOf(value: unknown, place: string, fail: Fail): number {
  const seed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32
    ? seed
    : fail(place, `seed: expected an integer in [0, 2^32), got ${JSON.stringify(value)}`);
}

/** One picture, or a list of them. */
function conditionsOf(value: unknown, place: string, fail: Fail): RowCondition[] {
  const files = (Array.isArray(value) ? value : [value]) as unknown[];
  return files.map((file) =>
    typeof file === 'string' && file.trim() !== ''
      ? { file, place }
      : fail(place, `condition: expected a picture, or a list of them, got ${JSON.stringify(value)}`),
  );
}

/** One row of a table. Where its negative prompt, its seed or its condition is left empty, it has none of its own. */
function rowOf(values: Readonly<Record<string, unknown>>, place: string, fail: Fail): PlacedRow {
  const row: { prompt?: string; negativePrompt?: string; seed?: number; conditions?: RowCondition[] } = {};
  for (const [name, value] of Object.entries(values)) {
    const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
    if (column === undefined) return fail(place, `"${name}" is not read; a row has prompt, negative_prompt, seed and condition`);
    if (column === 'seed') {
      if (value !== '' && value !== null) row.seed = seedOf(value, place, fail);
    } else if (column === 'conditions') {
      if (value !== '' && value !== null) row.conditions = conditionsOf(value, place, fail);
    } else if (typeof value === 'string') row[column] = value;
    else if (value !== null) return fail(place, `${name}: expected a text, got ${JSON.stringify(value)}`);
  }
  const { prompt } = row;
  return prompt === undefined ? fail(place, 'has no prompt') : { row: { ...row, prompt }, place };
}

function csvRows(text: string, fail: Fail): PlacedRow[] {
  const [header = [], ...rows] = parseCsv(text, (message) => fail(null, message)).rows.map(({ record }) => record);
  const names = header.map((name) => name.trim());
  if (!names.includes('prompt')) return fail('row 1', `expected a header with the column prompt, found ${names.join(', ') || 'nothing'}`);
  if (new Set(names).size < names.length) return fail('row 1', `the header names a column twice: ${names.join(', ')}`);
  return rows.map((row, i) => {
    const values: Record<string, unknown> = Object.fromEntries(names.map((name, column) => [name, row[column]]));
    // A CSV cell cannot tell an empty text from none: an empty negative prompt is none of its own.
    for (const name of names) if (values[name] === '' && COLUMNS[name] === 'negativePrompt') delete values[name];
    return rowOf(values, `row ${i + 2}`, fail);
  });
}

function jsonRows(text: string, fail: Fail): PlacedRow[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const place = `line ${i + 1}`;
    if (line.trim() === '') return [];
    if (line.trim().startsWith('"')) return [{ row: { prompt: jsonText(line, (message) => fail(place, message)) }, place }];
    return [
      rowOf(
        parseObject(line, (message) => fail(place, message)),
        place,
        fail,
      ),
    ];
  });
}

function jsonText(line: string, fail: (message: string) => never): string {
  try {
    return JSON.parse(line) as string;
  } catch (error) {
    return fail(`is not JSON: ${(error as Error).message}`);
  }
}

const READERS: Readonly<Record<string, (text: string, fail: Fail) => PlacedRow[]>> = {
  '.txt': textRows,
  '.csv': csvRows,
  '.jsonl': jsonRows,
  '.ndjson': jsonRows,
};

/**
 * Prompts of a file: .txt has one a line; .csv columns, .jsonl objects with prompt and, where a row has its own, negative_prompt, seed and
 * condition (a picture; in .jsonl a list for several controls). Empty lines are passed over; the empty prompt is an empty cell or `""`.
 * @param controls how many conditions every row needs, whose pictures are there; 0 where it is not for the rows to say
 * @throws ExperimentError invalid-option naming file, line and what was expected
 */
export async function readPrompts(file: string, controls = 0): Promise<PromptRow[]> {
  const fail: Fail = (place, message) => {
    throw new ExperimentError('invalid-option', `generate: ${place === null ? file : `${file}, ${place}`}: ${message}.`, { file, place });
  };
  const read = READERS[path.extname(file).toLowerCase()];
  if (read === undefined) return fail(null, `prompts are read from ${Object.keys(READERS).join(', ')}`);
  const bytes = await readFile(file).catch((error: Error) => fail(null, `cannot be read: ${error.message}`));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail(null, 'is not UTF-8; save it as that');
  }
  const rows = read(text, fail);
  if (rows.length === 0) return fail(null, 'has no prompt');
  if (controls > 0) await checkConditions(rows, { file, controls, fail });
  return rows.map(({ row: { conditions, ...row }, place }) => ({
    ...row,
    ...(conditions === undefined ? {} : { conditions: conditions.map((condition) => ({ ...condition, place: `${file}, ${place}` })) }),
  }));
}

/** Of all rows before anything is drawn. @throws ExperimentError invalid-option naming the first row without its pictures */
async function checkConditions(
  rows: readonly PlacedRow[],
  { file, controls, fail }: { file: string; controls: number; fail: Fail },
): Promise<void> {
  if (rows.every(({ row }) => row.conditions === undefined))
    return fail(
      null,
      `${controls} control${controls > 1 ? 's' : ''} and neither --condition nor a column condition (.csv, .jsonl) that names what ${controls > 1 ? 'they see' : 'it sees'}`,
    );
  const found = new Set<string>();
  for (const { row, place } of rows) {
    const own = row.conditions ?? [];
    if (own.length !== controls)
      fail(
        place,
        `names ${own.length} condition${own.length === 1 ? '' : 's'} for ${controls} control${controls > 1 ? 's' : ''}${controls > 1 ? ', in their order: in .jsonl a list, "condition": ["a.png", "b.png"]' : ''}`,
      );
    for (const condition of own) {
      const picture = path.resolve(path.dirname(file), condition.file);
      if (found.has(picture)) continue;
      const isFile = await stat(picture).then(
        (entry) => entry.isFile(),
        () => false,
      );
      if (!isFile) fail(place, `condition ${condition.file}: there is no file ${picture}`);
      found.add(picture);
    }
  }
}
