import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../errors.ts';
import { naturally } from '../image-sources/names.ts';
import { systemProblem } from '../system-problem.ts';

/** How a person is told of shards: by their names, where several have one by the folders that tell them apart. */
export function shardNames(shards: readonly string[]): ReadonlyMap<string, string> {
  const names = shards.map((shard) => path.basename(shard));
  if (new Set(names).size === shards.length) return new Map(shards.map((shard, i) => [shard, names[i]!]));
  const parts = shards.map((shard) => shard.split(path.sep));
  const common = parts[0]!.findIndex((part, i) => parts.some((other) => other[i] !== part));
  return new Map(shards.map((shard, i) => [shard, parts[i]!.slice(common).join('/')]));
}

const RANGE = /\{(\d+)\.\.(\d+)\}/;

/** Whether a path names several files by `*` or by a range such as `{0000..0009}`. */
export const isPattern = (data: string): boolean => path.basename(data).includes('*') || RANGE.test(path.basename(data));

/** Most files of a range: LAION-2B has 231 thousand. */
const MAX_FILES = 1_000_000;

/**
 * The files that a pattern names, in natural order. Each of a range has to be there.
 * @throws DataError file-read for a file that is missing or a folder that cannot be read, empty-input for a pattern that matches none
 */
export async function matching(pattern: string): Promise<readonly string[]> {
  const folder = path.dirname(pattern);
  const names = expanded(path.basename(pattern));
  const files = names.every((name) => !name.includes('*')) ? names : await starred(folder, names);
  if (files.length === 0) throw new DataError('empty-input', `no file matches ${pattern}`, { path: pattern });
  for (const file of files)
    await stat(path.join(folder, file)).catch((error: Error) => {
      throw new DataError('file-read', systemProblem(error) ?? error.message, { path: pattern, file }, { cause: error });
    });
  return files.map((file) => path.join(folder, file));
}

/** As a shell does: numbers have as many digits as the first one. */
function expanded(name: string): string[] {
  const [range, first, last] = RANGE.exec(name) ?? [];
  if (range === undefined) return [name];
  const count = Number(last) - Number(first) + 1;
  if (!(count > 0 && count <= MAX_FILES))
    throw new DataError('invalid-argument', `${range} is no range of at most ${MAX_FILES} files: write the smaller number first`, {
      range,
    });
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(first!.length, '0')).flatMap((number) =>
    expanded(name.replace(range, number)),
  );
}

async function starred(folder: string, names: readonly string[]): Promise<string[]> {
  const there = await readdir(folder).catch((error: Error) => {
    throw new DataError('file-read', systemProblem(error) ?? error.message, { path: folder }, { cause: error });
  });
  const patterns = names.map((name) => new RegExp(`^${name.split('*').map(escaped).join('.*')}$`, 's'));
  return there.filter((name) => !name.startsWith('.') && patterns.some((pattern) => pattern.test(name))).sort(naturally);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
