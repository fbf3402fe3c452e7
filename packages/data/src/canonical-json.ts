import { sha256 } from './sha256.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * What is left of a value once it is written as JSON and read again: entries that are undefined are gone.
 * @throws SyntaxError for undefined and functions, which are no JSON
 */
export const plainJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** JSON with sorted keys and without undefined entries: one text for one configuration. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((v) => canonicalJson(v as Json)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value as Record<string, Json | undefined>).filter(
      (entry): entry is [string, Json] => entry[1] !== undefined,
    );
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, v]) => `${JSON.stringify(key)}:${canonicalJson(v)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

export const jsonHash = (config: Json): string => sha256(canonicalJson(config));

/** Where two configurations differ, one `path: a -> b` a leaf. */
export function jsonDifference(before: Json, after: Json, path = ''): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  const isBranch = (v: Json): v is Exclude<Json, null | boolean | number | string> => typeof v === 'object' && v !== null;
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after)) {
    const show = (v: Json | undefined) => (v === undefined ? 'absent' : canonicalJson(v));
    return [`${path || 'config'}: ${show(before)} -> ${show(after)}`];
  }
  const a = before as Record<string, Json>;
  const b = after as Record<string, Json>;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .flatMap((key) => jsonDifference(a[key] as Json, b[key] as Json, path ? `${path}.${key}` : key));
}
