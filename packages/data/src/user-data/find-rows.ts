import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../errors.ts';
import { isHidden } from '../image-sources/kinds.ts';
import { naturally } from '../image-sources/names.ts';
import { systemProblem } from '../system-problem.ts';
import { inFolder, type FileSet } from './files/file-set.ts';
import { localFolder } from './files/local-folder.ts';
import { tarFiles } from './files/tar-files.ts';
import { zipFiles } from './files/zip-files.ts';
import type { UserDataOptions } from './options.ts';
import { openPictureFolder } from './picture-folder.ts';
import type { DataFormat, Rows } from './rows.ts';
import { isPattern, matching } from './shards.ts';
import { openParquet } from './tables/parquet/open-parquet.ts';
import { openTextTable } from './tables/text-table.ts';
import { openWebdataset } from './webdataset.ts';

const TEXT_TABLE = /\.(csv|tsv|jsonl|ndjson|json)$/i;
const SHARD = /\.(parquet|tar|tar\.gz|tgz)$/i;
const TABLE = /\.(csv|tsv|jsonl|ndjson|json|parquet|tar|tar\.gz|tgz)$/i;
const METADATA = /(^|\/)metadata\.(csv|jsonl)$/i;

/** What a table is by its name. */
const tableFormat = (name: string): TextFormat | 'parquet' | 'webdataset' =>
  SHARD.test(name) ? (/\.parquet$/i.test(name) ? 'parquet' : 'webdataset') : textFormat(name);

type TextFormat = 'csv' | 'jsonl' | 'imagefolder';
const textFormat = (name: string): TextFormat => (METADATA.test(name) ? 'imagefolder' : /\.[ct]sv$/i.test(name) ? 'csv' : 'jsonl');

/**
 * Opens the rows of a user's data, in the format that was named or that it has.
 * @throws DataError file-read for a path that is not there; ambiguous-format, unsupported-archive, empty-input; whatever a reader throws
 */
export async function findRows(options: UserDataOptions): Promise<Rows> {
  const { data, format } = options;
  if (isPattern(data)) return shardRows(await matching(data), options);
  const found = await stat(data).catch((error: Error) => {
    throw new DataError('file-read', systemProblem(error) ?? error.message, { path: data }, { cause: error });
  });
  if (found.isDirectory()) return rowsIn(await localFolder(data, options), options, await tablesOfFolder(data));
  if (/\.zip$/i.test(data)) return rowsIn(await zipFiles(data), options);
  if (/\.tar$/i.test(data) && format !== 'webdataset') return rowsInTar(data, options);
  if (SHARD.test(data)) return shardRows([data], options);
  if (TEXT_TABLE.test(data)) {
    const files = await localFolder(path.dirname(data), options);
    const name = path.basename(data);
    return openTextTable(files, name, checkFormat(data, format, [textFormat(name), 'imagefolder']), options);
  }
  throw new DataError(
    'unsupported-archive',
    `${data} is none of what is read: a folder, .csv, .tsv, .jsonl, prompt.json, .parquet, .zip or .tar`,
    { path: data },
  );
}

/** A tar with a table in it, or else a webdataset. */
async function rowsInTar(data: string, options: UserDataOptions): Promise<Rows> {
  const shard = async (): Promise<Rows> => openWebdataset(data, [data], options);
  // Whether one that cannot be read ends everything is for the reader of shards to say.
  const files = await tarFiles(data).catch((error: unknown) => {
    if (error instanceof DataError) return null;
    throw error;
  });
  if (files === null) return shard();
  const isSet = options.format !== undefined || (await files.names()).some((name) => TEXT_TABLE.test(name) && isNamedTable(name));
  if (isSet) return rowsIn(files, options);
  await files.close();
  return shard();
}

/** Files of a webdataset or of a parquet table, which are one set together. */
async function shardRows(shards: readonly string[], options: UserDataOptions): Promise<Rows> {
  const isParquet = /\.parquet$/i.test(shards[0]!);
  const other = shards.find((shard) => /\.parquet$/i.test(shard) !== isParquet);
  if (other !== undefined)
    throw new DataError('ambiguous-format', `${options.data} matches both ${shards[0]} and ${other}: name one kind`, {
      path: options.data,
    });
  const format = checkFormat(options.data, options.format, [isParquet ? 'parquet' : 'webdataset']);
  return format === 'parquet' ? openParquet(options.data, shards, options) : openWebdataset(options.data, shards, options);
}

/** Whether what was named is what a file can be. */
function checkFormat<F extends DataFormat>(data: string, named: DataFormat | undefined, possible: readonly [F, ...F[]]): F {
  if (named === undefined) return possible[0];
  const format = possible.find((one) => one === named);
  if (format !== undefined) return format;
  throw new DataError(
    'ambiguous-format',
    `${data} is read as ${possible[0]}, not as ${named}: name other data, or leave --data-format out`,
    {
      path: data,
      format: named,
    },
  );
}

/** Tables that lie in a folder itself: what lies deeper need not be looked at then, and may be millions of files. */
async function tablesOfFolder(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => !isHidden(name) && TABLE.test(name));
  return names.sort(naturally);
}

/**
 * The rows of a folder or an archive. A table in it says what its pictures are; shards are one set; else it is a folder of pictures.
 * @param tables those that are known to be meant; otherwise the ones that lie least deep
 */
async function rowsIn(files: FileSet, options: UserDataOptions, tables?: readonly string[]): Promise<Rows> {
  const { format } = options;
  if (format === 'folder') return openPictureFolder(files, options);
  const names = tables?.length ? tables : topmost((await files.names()).filter((name) => TABLE.test(name)));
  const meant = names.filter((name) => (format === undefined ? isTable(name) : tableFormat(name) === format));
  const texts = meant.filter((name) => TEXT_TABLE.test(name));
  const shards = meant.filter((name) => SHARD.test(name));
  if (texts.length === 1 && shards.length === 0) {
    const [table] = texts as [string];
    return openTextTable(inFolder(files, path.posix.dirname(table)), path.posix.basename(table), textFormat(table), options);
  }
  if (texts.length === 0 && shards.length > 0 && (tables !== undefined || format !== undefined))
    return shardRows(
      shards.map((name) => path.join(files.path, name)),
      options,
    );
  if (meant.length > 0)
    throw new DataError(
      'ambiguous-format',
      `${files.path} holds several tables (${meant.slice(0, 5).join(', ')}): name the file that is meant, or say which with --data-format`,
      { path: files.path, tables: meant },
    );
  if (format !== undefined)
    throw new DataError('ambiguous-format', `${files.path} holds nothing that can be read as ${format}`, { path: files.path, format });
  return openPictureFolder(files, options);
}

/** A table that is called so by the tools that write one. */
const isNamedTable = (name: string): boolean => METADATA.test(name) || /(^|\/)prompt\.json$/i.test(name) || /\.[ct]sv$/i.test(name);

/** A .json may be anything; ControlNet's is called prompt.json. */
const isTable = (name: string): boolean => !/\.json$/i.test(name) || /(^|\/)prompt\.json$/i.test(name);

/** The names that lie least deep. */
function topmost(names: readonly string[]): readonly string[] {
  const depth = (name: string): number => name.split('/').length;
  const least = names.reduce((depthSoFar, name) => Math.min(depthSoFar, depth(name)), Infinity);
  return names.filter((name) => depth(name) === least);
}
