import { shown } from '../config.ts';

/** Nesting that no config or header comes near; deeper values would exhaust the stack of whoever walks them. */
const MAX_DEPTH = 64;

const [QUOTE, BACKSLASH, COLON] = [34, 92, 58];
const OPENS = new Set([123, 91]);
const CLOSES = new Set([125, 93]);

/** The index behind a string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i + 1;
  }
  return text.length;
}

/** The keys of the outermost object as they are written, duplicates included, and how deep the values are nested. */
function outline(text: string): { keys: string[]; depth: number } {
  const keys: string[] = [];
  let [depth, deepest] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = endOfString(text, i);
      let next = end;
      while (next < text.length && text.charCodeAt(next) <= 32) next++;
      if (depth === 1 && text.charCodeAt(next) === COLON) keys.push(text.slice(i, end));
      i = end - 1;
    } else if (OPENS.has(c)) deepest = Math.max(deepest, ++depth);
    else if (CLOSES.has(c)) depth--;
  }
  return { keys, depth: deepest };
}

/** A number that JSON has no words for, where a value ends. */
const PYTHON_NUMBER = /(?:-?Infinity|NaN)(?=\s*[,\]}])/y;

/**
 * Puts quotes around the values `Infinity`, `-Infinity` and `NaN`, which Python's json module writes and JSON lacks: what reads the object
 * gets the words, and says itself whether it can take them. What stands within strings, and keys, are left as they are.
 */
export function quotePythonNumbers(text: string): string {
  // Vocabularies have megabytes, and next to no file has such a number.
  if (!/Infinity|NaN/.test(text)) return text;
  let [quoted, copied] = ['', 0];
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) === QUOTE) {
      i = endOfString(text, i) - 1;
      continue;
    }
    PYTHON_NUMBER.lastIndex = i;
    const found = PYTHON_NUMBER.exec(text);
    if (found === null) continue;
    quoted += `${text.slice(copied, i)}"${found[0]}"`;
    copied = i + found[0].length;
    i = copied - 1;
  }
  return quoted + text.slice(copied);
}

/**
 * The object that a JSON text holds. JSON.parse would keep the last of several values of one key, and take any depth.
 * @param fail is told what is wrong, as the end of a sentence
 */
export function parseObject(text: string, fail: (message: string, cause?: unknown) => never): Record<string, unknown> {
  const { keys, depth } = outline(text);
  if (depth > MAX_DEPTH) fail(`is nested ${depth} deep, more than ${MAX_DEPTH}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`is not JSON: ${(error as Error).message.slice(0, 200)}`, error);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return fail('is not a JSON object');
  const seen = new Set<string>();
  for (const key of keys) {
    const name = JSON.parse(key) as string;
    if (seen.has(name)) fail(`names ${shown(name)} twice`);
    seen.add(name);
  }
  return json as Record<string, unknown>;
}
