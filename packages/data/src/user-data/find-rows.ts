import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../errors.ts';
import { isHidden, kindByName } from '../image-sources/kinds.ts';
import { systemProblem } from '../system-problem.ts';
import { inFolder, type FileSet } from './files/file-set.ts';
import { localFolder } from './files/local-folder.ts';
import type { UserDataOptions } from './options.ts';
import { openPictureFolder } from './picture-folder.ts';
import type { DataFormat, Rows } from './rows.ts';
import { openTextTable } from './tables/text-table.ts';

const TEXT_TABLE = /\.(csv|tsv|jsonl|ndjson|json)$/i;
const METADATA = /(^|\/)metadata\.(csv|jsonl)$/i;

/** What a table is by its name. */
const tableFormat = (name: string): 'csv' | 'jsonl' | 'imagefolder' =>
  METADATA.test(name) ? 'imagefolder' : /\.[ct]sv$/i.test(name) ? 'csv' : 'jsonl';

/**
 * Opens the rows of a user's data, in the format that was named or that it has.
 * @throws DataError file-read for a path that is not there; ambiguous-format, unsupported-archive, empty-input; whatever a reader throws
 */
export async function findRows(options: UserDataOptions): Promise<Rows> {
  const { data, format } = options;
  const found = await stat(data).catch((error: Error) => {
    throw new DataError('file-read', systemProblem(error) ?? error.message, { path: data }, { cause: error });
  });
  if (found.isDirectory()) return rowsIn(await localFolder(data, options), format, options, await tablesOfFolder(data));
  if (TEXT_TABLE.test(data)) {
    const files = await localFolder(path.dirname(data), options);
    const name = path.basename(data);
    return openTextTable(files, name, checkFormat(data, format, [tableFormat(name), 'imagefolder']), options);
  }
  throw new DataError('unsupported-archive', `${data} is none of the data that is read: a folder, .csv, .tsv, .jsonl, prompt.json`, {
    path: data,
  });
}

/** Whether what was named is what a file can be. */
function checkFormat<F extends DataFormat>(data: string, named: DataFormat | undefined, possible: readonly [F, ...F[]]): F {
  if (named === undefined) return possible[0];
  const format = possible.find((one) => one === named);
  if (format !== undefined) return format;
  throw new DataError('ambiguous-format', `${data} is read as ${possible[0]}, not as ${named}: name other data, or leave --format out`, {
    path: data,
    format: named,
  });
}

/** Tables that lie in a folder itself: what lies deeper need not be looked at then, and may be millions of files. */
async function tablesOfFolder(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => !isHidden(name) && TEXT_TABLE.test(name));
  return names.sort();
}

/**
 * The rows of a folder or an archive. A table in it says what its pictures are; without one it is a folder of pictures.
 * @param tables those that are known to be meant; otherwise the ones that lie least deep
 */
async function rowsIn(files: FileSet, format: DataFormat | undefined, options: UserDataOptions, tables?: readonly string[]): Promise<Rows> {
  if (format === 'folder') return openPictureFolder(files, options);
  const there = tables?.length ? tables : topmost((await files.names()).filter((name) => TEXT_TABLE.test(name)));
  const meant = there.filter((name) => (format === undefined ? isTable(name) : tableFormat(name) === format));
  if (meant.length === 1) {
    const [table] = meant as [string];
    return openTextTable(inFolder(files, path.posix.dirname(table)), path.posix.basename(table), tableFormat(table), options);
  }
  if (meant.length > 1)
    throw new DataError(
      'ambiguous-format',
      `${files.path} holds several tables (${meant.slice(0, 5).join(', ')}): name the one that is meant`,
      {
        path: files.path,
        tables: meant,
      },
    );
  if (format !== undefined)
    throw new DataError('ambiguous-format', `${files.path} holds nothing that can be read as ${format}`, { path: files.path, format });
  return openPictureFolder(files, options);
}

/** A .json may be anything; ControlNet's is called prompt.json. */
const isTable = (name: string): boolean => !/\.json$/i.test(name) || /(^|\/)prompt\.json$/i.test(name);

/** The names that lie least deep. */
function topmost(names: readonly string[]): readonly string[] {
  const depth = (name: string): number => name.split('/').length;
  const least = names.reduce((depthSoFar, name) => Math.min(depthSoFar, depth(name)), Infinity);
  return names.filter((name) => depth(name) === least && kindByName(name) === 'other');
}
