import { readFile } from 'node:fs/promises';
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
}

/** Columns of a table of prompts, by the names that tables give them. */
const COLUMNS: Readonly<Record<string, keyof PromptRow>> = {
  prompt: 'prompt',
  negative_prompt: 'negativePrompt',
  'negative prompt': 'negativePrompt',
  negativePrompt: 'negativePrompt',
  seed: 'seed',
};
/** A1111's "Prompts from file" reads flags on such a line. */
const FLAGS = /^--(?:prompt|negative_prompt|steps|seed|sampler_name|sampler_index|width|height|cfg_scale|batch_size|n_iter)\b/;

type Fail = (place: string | null, message: string) => never;

function textRows(text: string, fail: Fail): PromptRow[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (FLAGS.test(line))
      fail(
        `line ${i + 1}`,
        `"${line.slice(0, 40)}": flags in a line are not read; put prompt, negative_prompt and seed in a .csv or .jsonl file`,
      );
    return line.trim() === '' ? [] : [{ prompt: line }];
  });
}

function seedOf(value: unknown, place: string, fail: Fail): number {
  const seed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32
    ? seed
    : fail(place, `seed: expected an integer in [0, 2^32), got ${JSON.stringify(value)}`);
}

/** One row of a table. Where its negative prompt or its seed is left empty, it has none of its own. */
function rowOf(values: Readonly<Record<string, unknown>>, place: string, fail: Fail): PromptRow {
  const row: { prompt?: string; negativePrompt?: string; seed?: number } = {};
  for (const [name, value] of Object.entries(values)) {
    const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
    if (column === undefined)
      return fail(place, `"${name}" is not read; a row has ${Object.keys(COLUMNS).slice(0, 2).join(', ')} and seed`);
    if (column === 'seed') {
      if (value !== '' && value !== null) row.seed = seedOf(value, place, fail);
    } else if (typeof value === 'string') row[column] = value;
    else if (value !== null) return fail(place, `${name}: expected a text, got ${JSON.stringify(value)}`);
  }
  const { prompt } = row;
  return prompt === undefined ? fail(place, 'has no prompt') : { ...row, prompt };
}

function csvRows(text: string, fail: Fail): PromptRow[] {
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

function jsonRows(text: string, fail: Fail): PromptRow[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const place = `line ${i + 1}`;
    if (line.trim() === '') return [];
    if (line.trim().startsWith('"')) return [{ prompt: jsonText(line, (message) => fail(place, message)) }];
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

const READERS: Readonly<Record<string, (text: string, fail: Fail) => PromptRow[]>> = {
  '.txt': textRows,
  '.csv': csvRows,
  '.jsonl': jsonRows,
  '.ndjson': jsonRows,
};

/**
 * Prompts of a file: .txt has one a line; .csv columns, .jsonl objects with prompt and, where a row has its own, negative_prompt and seed.
 * Empty lines are passed over; the empty prompt is an empty cell or `""`.
 * @throws ExperimentError invalid-option naming file, line and what was expected
 */
export async function readPrompts(file: string): Promise<PromptRow[]> {
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
  return rows.length > 0 ? rows : fail(null, 'has no prompt');
}
