import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '@controllab/core-blocks';
import { judge, type Claim } from '@controllab/report';
import { tablesOf, type Query } from './markdown.ts';

/** A committed result's value at a path: a number or a text. @throws Error where there is none */
type Lookup = (path: string) => number | string;

interface TableBlock {
  id: string;
  kind: string;
  columns: { label: string; group?: string }[];
  rows: { label: string; cells: unknown[] }[];
}
interface StoredReport {
  format: string;
  claims: (Claim & { results: { verdict: string; measured: { value: number; perTraining?: number[] } | null }[] })[];
  sections: { blocks: TableBlock[] }[];
}

/** `TABLE/ROW/COLUMN` is a cell's value, `.../half` half the width of its interval, `.../lo` and `.../hi` its ends. */
function lookupReport(file: string): Lookup {
  const { sections } = JSON.parse(readFileSync(file, 'utf8')) as StoredReport;
  const tables = sections.flatMap(({ blocks }) => blocks).filter(({ kind }) => kind === 'table');
  return (query) => {
    const [id, rowLabel, columnLabel, part = 'value'] = query.split('/');
    const table = tables.find((block) => block.id === id);
    const row = table?.rows.find(({ label }) => label === rowLabel);
    const column = table?.columns.findIndex(({ label }) => label === columnLabel) ?? -1;
    const cell = row?.cells[column] as number | { value: number; interval: [number, number] } | undefined;
    if (cell === undefined) throw new Error(`${file} has no ${query}`);
    if (typeof cell === 'number') return cell;
    const [lo, hi] = cell.interval;
    const value = { value: cell.value, half: (hi - lo) / 2, lo, hi }[part];
    if (value === undefined) throw new Error(`${query}: expected value, half, lo or hi, got ${part}`);
    return value;
  };
}

/** `PART/sha256`, or `PART/KEY` of the quality that is stored beside a part's weights. */
function lookupWeights(folder: string): Lookup {
  return (query) => {
    const [part, ...rest] = query.split('/');
    const key = rest.join('/');
    const { metadata } = readSafetensors(path.join(folder, `${part}.safetensors`));
    if (key === 'sha256') return metadata['sha256']!;
    const value = (JSON.parse(metadata['quality'] ?? '{}') as Record<string, number>)[key];
    if (value === undefined) throw new Error(`${part} stores no '${key}'`);
    return value;
  };
}

const lookup = (file: string): Lookup => (file.endsWith('.json') ? lookupReport(file) : lookupWeights(file));

function shownAs(value: number | string, { scale, decimals }: Query): string {
  if (decimals === null) return String(value).slice(0, 12);
  return Math.abs(Number(value) * scale).toFixed(decimals);
}

/** One line for each number of a Markdown file's tables that is not what its committed result says, or whose origin is not told. */
export function markdownProblems(root: string, file: string): string[] {
  const problems: string[] = [];
  for (const { line, shown, origin } of tablesOf(readFileSync(path.join(root, file), 'utf8'))) {
    const at = `${file}:${line}`;
    if (origin === null)
      problems.push(
        `${at}: the table's numbers come from nowhere: put a comment 'verify: FILE ...', 'measured: COMMAND' or 'stated: WHY' before it`,
      );
    else if (origin.kind === 'verify') {
      const find = lookup(path.join(root, origin.file));
      if (origin.queries.length !== shown.length)
        problems.push(`${at}: the table shows ${shown.length} numbers (${shown.join(', ')}), its comment names ${origin.queries.length}`);
      else
        for (const [i, query] of origin.queries.entries()) {
          const expected = shownAs(find(query.path), query);
          if (shown[i] !== expected) problems.push(`${at}: ${query.path} is ${expected} by ${origin.file}, the table says ${shown[i]}`);
        }
    }
  }
  return problems;
}

/**
 * One line for each thing in a published report that does not follow from the rest of it: values and verdicts are computed again
 * from the numbers of the trainings, files are held against the manifest.
 */
export function reportProblems(folder: string): string[] {
  const file = path.join(folder, 'results.json');
  const stored = JSON.parse(readFileSync(file, 'utf8')) as StoredReport;
  const problems: string[] = [];
  if (stored.format === 'controllab-report-2') {
    for (const [i, judgements] of judge(stored.claims).entries()) {
      for (const [k, judgement] of judgements.entries()) {
        const claimed = stored.claims[i]!.results[k]!;
        const at = `${file}: claim ${stored.claims[i]!.id} says`;
        if (claimed.verdict !== judgement.verdict) problems.push(`${at} '${claimed.verdict}', its trainings give '${judgement.verdict}'`);
        if (!claimed.measured?.perTraining?.length) continue;
        const { value, perTraining } = claimed.measured;
        const mean = perTraining.reduce((sum, one) => sum + one, 0) / perTraining.length;
        // Summation in another order moves the last digits.
        if (Math.abs(mean - value) > 1e-9 * Math.max(1, Math.abs(value)))
          problems.push(`${at} ${value}, the mean of its trainings is ${mean}`);
      }
    }
  }
  const manifest = path.join(folder, 'manifest.json');
  if (existsSync(manifest)) {
    const { files } = JSON.parse(readFileSync(manifest, 'utf8')) as { files: Record<string, string> };
    for (const [name, hash] of Object.entries(files)) {
      const part = path.join(folder, name);
      if (!existsSync(part)) problems.push(`${part} is missing`);
      else if (createHash('sha256').update(readFileSync(part)).digest('hex') !== hash)
        problems.push(`${part} is not the file that was published`);
    }
  }
  return problems;
}

const folders = (root: string, below: string): string[] =>
  existsSync(path.join(root, below))
    ? readdirSync(path.join(root, below), { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [path.join(below, entry.name)] : [],
      )
    : [];

/** All problems of a checkout: READMEs of the root, of packages and datasets, and published reports. */
export function verify(root: string): { problems: string[]; checked: number } {
  const readmes = [
    'README.md',
    ...['packages', 'datasets'].flatMap((below) => folders(root, below).map((folder) => path.join(folder, 'README.md'))),
  ];
  const present = readmes.filter((file) => existsSync(path.join(root, file)));
  const reports = folders(root, path.join('reports', 'published')).map((folder) => path.join(root, folder));
  return {
    problems: [...present.flatMap((file) => markdownProblems(root, file)), ...reports.flatMap(reportProblems)],
    checked: present.length + reports.length,
  };
}
