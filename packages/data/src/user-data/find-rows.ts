import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../errors.ts';
import { isHidden, kindByName } from '../image-sources/kinds.ts';
import { naturally, stemOf } from '../image-sources/names.ts';
import { systemProblem } from '../system-problem.ts';
import { inFolder, type FileSet } from './files/file-set.ts';
import { localFolder } from './files/local-folder.ts';
import { ownFiles, ownNames } from './files/own-files.ts';
import { tarFiles } from './files/tar-files.ts';
import { zipFiles } from './files/zip-files.ts';
import type { UserDataOptions } from './options.ts';
import { isFolderInTar, openPictureFolder } from './picture-folder.ts';
import type { DataFormat, Rows } from './rows.ts';
import { isPattern, matching } from './shards.ts';
import { openParquet } from './tables/parquet/open-parquet.ts';
import { openTextTable } from './tables/text-table.ts';
import { openWebdataset } from './webdataset.ts';

const TEXT_TABLE = /\.(csv|tsv|jsonl|ndjson|json)$/i;
const SHARD = /\.(parquet|tar|tar\.gz|tgz)$/i;
const TABLE = /\.(csv|tsv|jsonl|ndjson|json|parquet|tar|tar\.gz|tgz)$/i;
const METADATA = /(^|\/)metadata\.(csv|jsonl)$/i;
const PROMPTS = /(^|\/)prompt\.json$/i;

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
  if (found.isDirectory()) return rowsIn(await localFolder(data, options), options, data);
  if (/\.zip$/i.test(data)) {
    checkArchive(data, options);
    return rowsIn(await zipFiles(data), options);
  }
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

/** A tar with a table in it or of a folder of pictures, or else a webdataset. */
async function rowsInTar(data: string, options: UserDataOptions): Promise<Rows> {
  checkArchive(data, options);
  // Whether one that cannot be read ends everything is for the reader of shards to say.
  const tar = await tarFiles(data).catch((error: unknown) => {
    if (error instanceof DataError) return null;
    throw error;
  });
  const isSet = ({ inOrder }: { inOrder: readonly string[] }): boolean =>
    options.format !== undefined || inOrder.some((name) => TEXT_TABLE.test(name) && isNamedTable(name)) || isFolderInTar(inOrder);
  if (tar !== null && isSet(tar)) return rowsIn(tar.files, options);
  await tar?.files.close();
  return openWebdataset(data, [data], options);
}

/** Files of a webdataset or of a parquet table, which are one set together. */
async function shardRows(shards: readonly string[], options: UserDataOptions): Promise<Rows> {
  const none = shards.find((shard) => !SHARD.test(shard));
  if (none !== undefined)
    throw new DataError(
      'ambiguous-format',
      `${options.data} matches ${none}: a pattern names parquet files or tars. Name a folder, or one table`,
      {
        path: options.data,
        file: none,
      },
    );
  const isParquet = /\.parquet$/i.test(shards[0]!);
  const other = shards.find((shard) => /\.parquet$/i.test(shard) !== isParquet);
  if (other !== undefined)
    throw new DataError('ambiguous-format', `${options.data} matches both ${shards[0]} and ${other}: name one kind`, {
      path: options.data,
    });
  const format = checkFormat(options.data, options.format, [isParquet ? 'parquet' : 'webdataset']);
  if (format === 'parquet') return openParquet(options.data, shards, options);
  checkArchive(options.data, options);
  return openWebdataset(options.data, shards, options);
}

/** @throws DataError invalid-argument for leave to read what no row of an archive can name */
function checkArchive(data: string, { allowOutside = false }: UserDataOptions): void {
  if (allowOutside)
    throw new DataError('invalid-argument', `${data}: rows of an archive name its own files alone: leave --allow-outside out`, {
      path: data,
    });
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

/** Names in a folder itself: where a table is among them, what lies deeper need not be looked at, and may be millions of files. */
async function namesAtTop(files: FileSet, folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => !isHidden(name)).sort(naturally);
  return ownNames(files, names);
}

/**
 * The rows of a folder or an archive. A table in it says what its pictures are; shards are one set; else it is a folder of pictures.
 * @param folder where it is one: tables that lie in it itself are meant, and its shards can be read; else tables that lie least deep
 */
async function rowsIn(set: FileSet, options: UserDataOptions, folder: string | null = null): Promise<Rows> {
  const { format } = options;
  const files = ownFiles(set);
  if (format === 'folder') return openPictureFolder(files, options);
  const isMeant = (name: string): boolean => TABLE.test(name) && (format === undefined ? isTable(name) : tableFormat(name) === format);
  const atTop = folder === null ? [] : await namesAtTop(set, folder);
  const top = atTop.filter(isMeant);
  const meant = top.length > 0 ? top : topmost((await files.names()).filter(isMeant));
  if (format === undefined && meant.length > 0 && top.length === 0 && (await isPictureFolder(files, meant)))
    return openPictureFolder(files, options);
  if (format === undefined && top.length > 0) refuseLeftovers(files, atTop, top);
  const texts = meant.filter((name) => TEXT_TABLE.test(name));
  const shards = meant.filter((name) => SHARD.test(name));
  if (texts.length === 1 && shards.length === 0) {
    const [table] = texts as [string];
    return openTextTable(inFolder(files, path.posix.dirname(table)), path.posix.basename(table), textFormat(table), options);
  }
  if (texts.length === 0 && shards.length > 0 && folder !== null) {
    checkSplits(files.path, shards);
    const [first, ...more] = shards.map((name) => path.join(folder, name)) as [string, ...string[]];
    if (more.length === 0 && /\.tar$/i.test(first) && format === undefined) return rowsInTar(first, options);
    return shardRows([first, ...more], options);
  }
  if (meant.length > 0)
    throw new DataError(
      'ambiguous-format',
      texts.length === 0
        ? `${files.path} holds ${listed(shards)}, which cannot be read within an archive: unpack it`
        : `${files.path} holds several tables (${listed(meant)}): name the file that is meant, or say which with --data-format`,
      { path: files.path, tables: meant },
    );
  if (format !== undefined)
    throw new DataError('ambiguous-format', `${files.path} holds nothing that can be read as ${format}`, { path: files.path, format });
  return openPictureFolder(files, options);
}

const listed = (names: readonly string[]): string => names.slice(0, 5).join(', ');

const depthOf = (name: string): number => name.split('/').length;

/**
 * Whether tables deeper in a set are some notes among its pictures: they are where captions lie beside a picture that lies above them.
 * @throws DataError ambiguous-format where pictures without captions do, unless a table of pictures is called so
 */
async function isPictureFolder(files: FileSet, tables: readonly string[]): Promise<boolean> {
  const [table] = tables as readonly [string, ...string[]];
  const above = (await files.names()).filter((name) => depthOf(name) < depthOf(table));
  const pictures = above.filter((name) => kindByName(name) === 'image');
  if (pictures.length === 0) return false;
  const captions = new Set(above.filter((name) => /\.(txt|caption)$/i.test(name)).map(stemOf));
  if (pictures.some((name) => captions.has(stemOf(name)))) return true;
  if (tables.some((name) => METADATA.test(name) || PROMPTS.test(name) || /\.parquet$/i.test(name))) return false;
  throw new DataError(
    'ambiguous-format',
    `${files.path} holds pictures (${listed(pictures)}) and, below them, ${table}: say which is meant with --data-format folder or --data-format ${tableFormat(table)}`,
    { path: files.path, table },
  );
}

/**
 * An archive among pictures with captions beside them is likely left there.
 * @throws DataError ambiguous-format
 */
function refuseLeftovers(files: FileSet, names: readonly string[], tables: readonly string[]): void {
  if (!tables.every((name) => SHARD.test(name))) return;
  const captions = new Set(names.filter((name) => /\.(txt|caption)$/i.test(name)).map(stemOf));
  const pictures = names.filter((name) => kindByName(name) === 'image' && captions.has(stemOf(name)));
  const [table] = tables as readonly [string, ...string[]];
  if (pictures.length > 0)
    throw new DataError(
      'ambiguous-format',
      `${files.path} holds pictures with captions beside them (${listed(pictures)}) and ${table}: say which is meant with --data-format folder or --data-format ${tableFormat(table)}`,
      { path: files.path, table },
    );
}

/** How data that is split calls its parts, wherever it stands in a name: `train-00000-of-00002.parquet`, `data/test/0.tar`. */
const SPLIT = /^(.*(?:^|[^a-z]))(train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?|dev|eval(?:uation)?)(?![a-z])/is;

/** @throws DataError ambiguous-format for shards of several splits, which nobody means to train on as one set */
function checkSplits(set: string, shards: readonly string[]): void {
  const first = new Map<string, string>();
  for (const shard of shards) {
    const split = SPLIT.exec(shard)?.[2]!.toLowerCase();
    if (split !== undefined && !first.has(split)) first.set(split, shard);
  }
  if (first.size < 2) return;
  const [[, shard]] = first as unknown as [[string, string]];
  throw new DataError(
    'ambiguous-format',
    `${set} holds the splits ${[...first.keys()].join(' and ')}; name one, such as ${path.join(set, nameOfSplit(shard, shards))}`,
    { path: set, splits: [...first.keys()] },
  );
}

/** What names all shards of a split: its folder, a pattern, or its one file. */
function nameOfSplit(shard: string, shards: readonly string[]): string {
  const [upTo] = SPLIT.exec(shard) as unknown as [string];
  const rest = shard.slice(upTo.length);
  if (rest.includes('/')) return upTo + rest.slice(0, rest.indexOf('/'));
  const prefix = upTo + (/^[-_.](?=.*\.)/.exec(rest)?.[0] ?? '');
  const isOne = shards.filter((name) => name.startsWith(prefix)).length === 1;
  return isOne ? shard : `${prefix}*${path.extname(shard)}`;
}

/** A table that is called so by the tools that write one. */
const isNamedTable = (name: string): boolean => METADATA.test(name) || PROMPTS.test(name) || /\.[ct]sv$/i.test(name);

/** A .json may be anything; ControlNet's is called prompt.json. */
const isTable = (name: string): boolean => !/\.json$/i.test(name) || PROMPTS.test(name);

/** The names that lie least deep. */
function topmost(names: readonly string[]): readonly string[] {
  const least = names.reduce((depthSoFar, name) => Math.min(depthSoFar, depthOf(name)), Infinity);
  return names.filter((name) => depthOf(name) === least);
}
