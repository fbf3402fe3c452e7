/** Where the numbers of a Markdown table come from, by the comment that stands before it. */
export type Origin =
  | { readonly kind: 'verify'; readonly file: string; readonly queries: readonly Query[] }
  /** Measured on one machine, by a command that is named. */
  | { readonly kind: 'measured'; readonly command: string }
  /** No result of ours: versions, settings, a paper's or a test's numbers; the text says which. */
  | { readonly kind: 'stated'; readonly why: string };

/** What a number of a table is, and the decimals it is shown with; null: a text, such as a checksum, whose beginning is shown. */
export interface Query {
  readonly path: string;
  readonly scale: number;
  readonly decimals: number | null;
}

/** A table of a Markdown file. */
export interface MarkdownTable {
  /** Counted from 1. */
  readonly line: number;
  /** What it shows that can be checked, in reading order: numbers with decimals, and checksums of twelve digits. */
  readonly shown: readonly string[];
  readonly origin: Origin | null;
}

const SHOWN = /\b[0-9a-f]{12}\b|\d+\.\d+/g;
const COMMENT = /^<!-- (verify|measured|stated): ([\s\S]*?)-->$/;
const QUERY = /^(.+?)(?: \* ([\d.]+))? -> (\d|text)$/;

/** @throws Error naming the line that is no query */
function originOf(comment: string): Origin | null {
  const match = COMMENT.exec(comment.trim());
  if (match === null) return null;
  const [first, ...lines] = match[2]!.trim().split('\n');
  if (match[1] === 'measured') return { kind: 'measured', command: first!.trim() };
  if (match[1] === 'stated') return { kind: 'stated', why: match[2]!.trim() };
  const queries = lines.map((line): Query => {
    const [, path, scale, format] = QUERY.exec(line.trim()) ?? [];
    if (path === undefined) throw new Error(`expected 'PATH -> DECIMALS' or 'PATH -> text', got '${line}'`);
    return { path, scale: Number(scale ?? 1), decimals: format === 'text' ? null : Number(format) };
  });
  return { kind: 'verify', file: first!.trim(), queries };
}

/** The tables of a Markdown text that show numbers with decimals or checksums. */
export function tablesOf(markdown: string): MarkdownTable[] {
  const tables: MarkdownTable[] = [];
  let comment: string[] = [];
  let table: { line: number; rows: string[]; comment: string } | null = null;
  const flush = (): void => {
    if (table === null) return;
    const shown = table.rows.flatMap((row) => row.match(SHOWN) ?? []);
    if (shown.length > 0) tables.push({ line: table.line, shown, origin: originOf(table.comment) });
    table = null;
  };
  let inside = false;
  for (const [i, line] of markdown.split('\n').entries()) {
    if (line.startsWith('<!-- ')) [comment, inside] = [[], true];
    if (inside) {
      comment.push(line);
      if (line.endsWith('-->')) inside = false;
    } else if (line.startsWith('|')) {
      table ??= { line: i + 1, rows: [], comment: comment.join('\n') };
      table.rows.push(line);
    } else {
      flush();
      if (line.trim() !== '') comment = [];
    }
  }
  flush();
  return tables;
}
