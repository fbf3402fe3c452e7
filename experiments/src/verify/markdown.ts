/** Where the numbers of a paragraph or table come from, by the comment that stands before it. */
export type Origin =
  | { readonly kind: 'verify'; readonly file: string; readonly lines: readonly Line[] }
  /** Measured on one machine, by a command that is named. */
  | { readonly kind: 'measured'; readonly command: string }
  /** No result of ours: versions, settings, a paper's or a test's numbers; the text says which. */
  | { readonly kind: 'stated'; readonly why: string };

/** Where one number comes from, or several that follow each other. */
export type Line = Query | { readonly kind: 'measured' | 'stated'; readonly count: number; readonly text: string };

/** What a number is, and the decimals it is shown with; null: a text, such as a checksum, whose beginning is shown. */
export interface Query {
  readonly kind: 'query';
  readonly path: string;
  readonly scale: number;
  readonly decimals: number | null;
  /** Its sign stands in words: "37% less". */
  readonly abs: boolean;
}

/** A paragraph, list or table of a Markdown file. */
export interface MarkdownBlock {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  /** What it shows that can be checked, in reading order: numbers with decimals, percentages, and checksums of twelve digits. */
  readonly shown: readonly string[];
  /** Null: nothing is said. */
  readonly origin: Origin | null;
}

/** No versions (1.2.3) and no names (SD1.5): neither is a result. A minus between two things is no sign. */
const SHOWN = /(?:(?<=^|[\s([|*])[\u2212-]|(?<![\w.-]))(?:[0-9a-f]{12}\b|\d+\.\d+(?!\d|\.\d)|\d+(?=%)|\d+(?= to \d+%))/g;
/** What a reader does not take for a result: code, addresses, licences, the level of all intervals. */
const UNREAD = /\*{0,2}[Ii]ntervals\*{0,2} are 95%|95% intervals?|`[^`]*`|\]\([^)]*\)|https?:\S+|CC BY(-SA)? 4\.0/g;
const CHECKSUM = /^`[0-9a-f]{12}`$/;
const COMMENT = /^<!-- (verify|measured|stated): ([\s\S]*?)-->$/;
const LINE = /^(?:(measured|stated)(?: x (\d+))?: (.+)|(.+?)(?: \* ([\d.]+))? -> (?:text|(\d)( abs)?))$/;

function lineOf(text: string): Line {
  const [, kind, count, why, path, scale, decimals, abs] = LINE.exec(text.trim()) ?? [];
  if (kind !== undefined) return { kind: kind as 'measured' | 'stated', count: Number(count ?? 1), text: why! };
  if (path === undefined)
    throw new Error(
      `expected 'PATH -> DECIMALS', 'PATH -> DECIMALS abs', 'PATH -> text', 'measured: COMMAND' or 'stated: WHY', got '${text}'`,
    );
  return {
    kind: 'query',
    path,
    scale: Number(scale ?? 1),
    decimals: decimals === undefined ? null : Number(decimals),
    abs: abs !== undefined,
  };
}

/** With the real minus sign, which a number that is rounded to nothing has not. */
export const signed = (number: string): string => number.replace(/^[\u2212-]/, /[1-9]/.test(number) ? '\u2212' : '');

/** @throws Error naming the line that is none */
function originOf(comment: string): Origin | null {
  const [, kind, text] = COMMENT.exec(comment.trim()) ?? [];
  if (kind === undefined) return null;
  const [first, ...lines] = text!.trim().split('\n');
  if (kind === 'measured') return { kind, command: first!.trim() };
  if (kind === 'stated') return { kind, why: text!.trim() };
  return { kind: 'verify', file: first!.trim(), lines: lines.map(lineOf) };
}

/** The blocks of a Markdown text that show numbers. A comment tells the origin of the block that follows it. */
export function blocksOf(markdown: string): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  let origin: Origin | null = null;
  let open: { line: number; text: string[] } | null = null;
  const close = (): void => {
    if (open === null) return;
    const text = open.text.join('\n');
    const shown = text.replace(UNREAD, (part) => (CHECKSUM.test(part) ? part : ' ')).match(SHOWN) ?? [];
    if (shown.length > 0) blocks.push({ line: open.line, text, shown: shown.map(signed), origin });
    [open, origin] = [null, null];
  };
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.startsWith('<!-- ')) {
      close();
      const start = i;
      while (i < lines.length - 1 && !lines[i]!.endsWith('-->')) i++;
      origin = originOf(lines.slice(start, i + 1).join('\n'));
    } else if (line.trim() === '') close();
    else if (line.trimStart().startsWith('```')) {
      close();
      do i++;
      while (i < lines.length && !lines[i]!.trimStart().startsWith('```'));
    } else if (line.startsWith('#')) close();
    else (open ??= { line: i + 1, text: [] }).text.push(line);
  }
  close();
  return blocks;
}
