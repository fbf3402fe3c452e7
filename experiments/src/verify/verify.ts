import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { commands } from '../commands.ts';
import { lookup } from './lookup.ts';
import { blocksOf, signed, type Line, type MarkdownBlock, type Query } from './markdown.ts';
import { reportProblems } from './published.ts';

/**
 * Documents that are plans, whose numbers come from nowhere else, but for outcomes: from a paragraph that begins as one to the next table,
 * command or amendment.
 */
const PLANS: Readonly<Record<string, { readonly outcome: RegExp; readonly plan: RegExp }>> = {
  'docs/preregistration.md': { outcome: /^\*\*Outcome/, plan: /^(?:#|`|\||- |Amended|Bound)/ },
};

function shownAs(value: number | string, { scale, decimals, abs }: Query): string {
  if (decimals === null) return String(value).slice(0, 12);
  const number = Number(value) * scale;
  return signed((abs ? Math.abs(number) : number).toFixed(decimals));
}

/** A line for each number: null where it is measured or stated. */
const expanded = (lines: readonly Line[]): (Query | null)[] =>
  lines.flatMap((line) => (line.kind === 'query' ? [line] : Array<null>(line.count).fill(null)));

/** The commands that a comment names must be there to be run. */
function* commandProblems(command: string): Generator<string> {
  const named = [...command.matchAll(/npx controllab ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?)/g)].map((match) => match[1]!);
  if (named.length === 0) yield `'measured: ${command}' names no command of npx controllab`;
  for (const words of named)
    if (!commands.some(({ name }) => words === name || words.startsWith(`${name} `) || words.split(' ')[0] === name))
      yield `there is no command '${words}'`;
}

function* blockProblems(root: string, { shown, origin }: MarkdownBlock): Generator<string> {
  if (origin === null) {
    yield `its numbers (${shown.slice(0, 4).join(', ')}) come from nowhere: put a comment 'verify: FILE ...', 'measured: COMMAND' or 'stated: WHY' before it`;
    return;
  }
  if (origin.kind === 'measured') yield* commandProblems(origin.command);
  if (origin.kind !== 'verify') return;
  const find = lookup(path.join(root, origin.file));
  for (const line of origin.lines) if (line.kind === 'measured') yield* commandProblems(line.text);
  const queries = expanded(origin.lines);
  if (queries.length !== shown.length) {
    yield `it shows ${shown.length} numbers (${shown.join(', ')}), its comment names ${queries.length}`;
    return;
  }
  for (const [i, query] of queries.entries()) {
    if (query === null) continue;
    let expected: string;
    try {
      expected = shownAs(find(query.path), query);
    } catch (missing) {
      yield (missing as Error).message;
      continue;
    }
    if (shown[i] !== expected) yield `${query.path} is ${expected} by ${origin.file}, the text says ${shown[i]}`;
  }
}

/** One line for each number of a Markdown file that is not what its committed result says, or whose origin is not told. */
export function markdownProblems(root: string, file: string): string[] {
  const kinds = PLANS[file];
  let isResult = kinds === undefined;
  return blocksOf(readFileSync(path.join(root, file), 'utf8')).flatMap((block) => {
    if (kinds !== undefined) isResult = kinds.outcome.test(block.text) || (isResult && !kinds.plan.test(block.text));
    if (block.origin === null && !isResult) return [];
    return [...blockProblems(root, block)].map((problem) => `${file}:${block.line}: ${problem}`);
  });
}

const folders = (root: string, below: string): string[] =>
  existsSync(path.join(root, below))
    ? readdirSync(path.join(root, below), { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [path.join(below, entry.name)] : [],
      )
    : [];

/** All problems of a checkout: READMEs of the root, of packages and datasets, documents that hold results, and published reports. */
export function verify(root: string): { problems: string[]; checked: number } {
  const readmes = [
    'README.md',
    ...['architecture', 'preregistration', 'reproduction'].map((name) => `docs/${name}.md`),
    ...['packages', 'datasets'].flatMap((below) => folders(root, below).map((folder) => path.join(folder, 'README.md'))),
  ];
  const present = readmes.filter((file) => existsSync(path.join(root, file)));
  // What their pages share has no numbers.
  const published = folders(root, path.join('reports', 'published')).filter((folder) => path.basename(folder) !== 'assets');
  return {
    problems: [
      ...present.flatMap((file) => markdownProblems(root, file)),
      ...published.flatMap((folder) => reportProblems(path.join(root, folder))),
    ],
    checked: present.length + published.length,
  };
}
