import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@controllab/data';
import {
  blockCsv,
  isCommitted,
  judge,
  meanInterval,
  readStoredReport,
  reportNumbers,
  type Measurement,
  type StoredReport,
  type StoredResult,
} from '@controllab/report';

/** Summation in another order, and another version of Node's logarithm, move the last digits. */
const same = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

function* measurementProblems({ value, interval, perTraining, n, range }: Measurement): Generator<string> {
  if (perTraining === undefined || perTraining.length === 0) return;
  const mean = perTraining.reduce((sum, one) => sum + one, 0) / perTraining.length;
  if (!same(mean, value)) yield `${value}, the mean of its trainings is ${mean}`;
  // One training's interval is over pictures, which are not stored.
  if (perTraining.length < 2 || n !== perTraining.length) return;
  const again = meanInterval(perTraining, range === undefined ? {} : { range }).interval!;
  if (interval === null || !again.every((end, i) => same(end, interval[i]!)))
    yield `the interval [${interval?.join(', ')}], its trainings give [${again.join(', ')}]`;
}

/** Claims are judged again from the numbers of the trainings, facts and timings from their value and interval. */
function* claimProblems({ claims }: StoredReport): Generator<string> {
  for (const [i, judgements] of judge(claims).entries())
    for (const [k, judgement] of judgements.entries()) {
      const stored: StoredResult = claims[i]!.results[k]!;
      const at = `claim ${claims[i]!.id}${stored.label === null ? '' : `, ${stored.label},`} says`;
      if (stored.text !== judgement.text) yield `${at} '${stored.text}', its numbers give '${judgement.text}'`;
      for (const key of ['p', 'adjusted', 'detectable'] as const) {
        const [was, is] = [stored[key], judgement[key]];
        if (was !== is && (was === null || is === null || !same(was, is))) yield `${at} ${key} ${was}, its numbers give ${is}`;
      }
      if (stored.measured !== null) for (const problem of measurementProblems(stored.measured)) yield `${at} ${problem}`;
    }
}

/** Of tables and bars, whose intervals READMEs quote. A cell without an interval has none by design. */
function* cellProblems({ sections }: StoredReport): Generator<string> {
  for (const block of sections.flatMap(({ blocks }) => blocks)) {
    const cells =
      block.kind === 'table'
        ? block.rows.flatMap((row) => row.cells)
        : block.kind === 'bar'
          ? block.series.flatMap(({ values }) => values)
          : [];
    for (const cell of cells)
      if (typeof cell === 'object' && cell !== null && 'interval' in cell && cell.interval !== null)
        for (const problem of measurementProblems(cell)) yield `${'id' in block ? block.id : block.kind} says ${problem}`;
  }
}

function* numberProblems(stored: StoredReport): Generator<string> {
  if (stored.metrics === undefined) return;
  const numbers = reportNumbers(stored);
  for (const name of new Set([...numbers.keys(), ...Object.keys(stored.metrics)])) {
    const found = numbers.get(name);
    const value = typeof found === 'object' ? found.value : found;
    if (stored.metrics[name] !== value) yield `metrics has ${stored.metrics[name]} for ${name}, which is ${value}`;
  }
}

function* csvProblems(folder: string, { sections }: StoredReport): Generator<string> {
  for (const block of sections.flatMap(({ blocks }) => blocks)) {
    const csv = blockCsv(block);
    if (csv === null || !('id' in block)) continue;
    const file = path.join(folder, `${block.id}.csv`);
    if (existsSync(file) && readFileSync(file, 'utf8') !== csv) yield `${block.id}.csv is not what results.json says`;
  }
}

/** The files of a published page; results alone need no manifest. */
function* fileProblems(folder: string): Generator<string> {
  const manifest = path.join(folder, 'manifest.json');
  if (!existsSync(manifest)) {
    if (existsSync(path.join(folder, 'index.html'))) yield 'there is no manifest.json';
    return;
  }
  const { files } = JSON.parse(readFileSync(manifest, 'utf8')) as { files: Record<string, string> };
  for (const [name, hash] of Object.entries(files)) {
    const file = path.join(folder, name);
    if (!existsSync(file)) yield `${name} is missing`;
    else if (sha256(readFileSync(file)) !== hash) yield `${name} is not the file that was published`;
  }
}

/** Published before reports of uncommitted code were refused, each with what it says of its code: nobody can compute it again. */
const BEFORE_THE_RULE: Readonly<Record<string, string>> = { 'mini-sd-evaluation': '9b53011fd069 + changes' };

function* codeProblems(folder: string, { provenance: { commit } }: StoredReport): Generator<string> {
  if (!isCommitted(commit) && BEFORE_THE_RULE[path.basename(folder)] !== commit)
    yield `it was written by code that is not committed (${commit ?? 'no repository'})`;
}

/** One line for each thing in a published report that does not follow from the rest of it, or is not the file that was published. */
export function reportProblems(folder: string): string[] {
  const stored = readStoredReport(readFileSync(path.join(folder, 'results.json'), 'utf8'));
  if (stored === null) return [`${folder}: its results.json is of another format`];
  const problems = [
    ...codeProblems(folder, stored),
    ...claimProblems(stored),
    ...cellProblems(stored),
    ...numberProblems(stored),
    ...csvProblems(folder, stored),
    ...fileProblems(folder),
  ];
  return problems.map((problem) => `${folder}: ${problem}`);
}
