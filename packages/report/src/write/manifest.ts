import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import {
  FORMER_REPORT_FILE,
  FORMER_REPORT_RESULTS,
  isLockFile,
  REPORT_MANIFEST as MANIFEST,
  parseReportManifest,
  reportManifest,
  FOLDER_PROBE,
  sha256,
  unfinished,
  writeAtomic,
  type OwnFiles,
} from '@controllab/data';
import { ReportError } from '../model/report-error.ts';
import { aloneIn } from './alone-in.ts';

/** A manifest of this format; null where there is none. */
const readManifest = async (dir: string): Promise<OwnFiles | null> => {
  const text = await readFile(path.join(dir, MANIFEST), 'utf8').catch(() => null);
  return text === null ? null : parseReportManifest(text);
};

/** Of reports from before there was a manifest. */
const isFormerReport = async (dir: string): Promise<boolean> =>
  (await readFile(path.join(dir, 'results.json'), 'utf8').catch(() => '')).startsWith(FORMER_REPORT_RESULTS);

const filesIn = async (dir: string): Promise<string[]> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new ReportError('foreign-files', `${dir} is a file, expected a folder for a report`, { dir });
    throw error;
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => !isLockFile(name));
};

/**
 * The files of an earlier report in a folder.
 * @throws ReportError `foreign-files` where there are others and no earlier report, or where one of the names `wanted` is not the earlier
 * report's, unless `overwrite` allows it; where a folder of the report's is a file or a link
 */
export const ownFiles = async (
  dir: string,
  { overwrite, wanted = [] }: { overwrite: boolean; wanted?: Iterable<string> },
): Promise<OwnFiles> => {
  const present = (await filesIn(dir)).filter((name) => unfinished(name) === null);
  const listed = await readManifest(dir);
  const former = listed === null && (await isFormerReport(dir));
  const own = listed ?? new Map(former ? present.filter((name) => FORMER_REPORT_FILE.test(name)).map((name) => [name, null]) : []);
  const names = new Set(wanted);
  // A link to a folder is one file here: nothing is written through it into somebody else's folder.
  const folders = new Set([...names].flatMap(foldersOf));
  const inTheWay = present.filter((name) => folders.has(name));
  if (inTheWay.length > 0)
    throw new ReportError('foreign-files', `${dir}: ${inTheWay.join(', ')} must be a folder of the report's own; move it away`, {
      dir,
      files: inTheWay,
    });
  const foreign = listed === null && !former ? present : present.filter((name) => names.has(name) && !own.has(name) && name !== MANIFEST);
  if (foreign.length === 0 || overwrite) return own;
  throw new ReportError(
    'foreign-files',
    `${dir} holds files that are no report's (${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', ...' : ''}). Name another folder, or move them away. With --overwrite those that have the report's names are replaced, and the others stay.`,
    { dir, files: foreign.slice(0, 20) },
  );
};

/** Writes the list of a folder's own files. */
const writeManifest = (dir: string, files: OwnFiles): Promise<void> => writeAtomic(path.join(dir, MANIFEST), reportManifest(files));

/**
 * Puts a report's files in the place of an earlier report's, and of nobody else's; index.html is written where it stands in their order.
 * Until it is done both reports' files are listed. Nobody else writes there meanwhile.
 * @throws ReportError as {@link ownFiles}; `locked`
 */
export const replaceFiles = (
  dir: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  { overwrite }: { overwrite: boolean },
): Promise<void> =>
  aloneIn(dir, async () => {
    const own = await ownFiles(dir, { overwrite, wanted: files.keys() });
    const listed = new Map([...files].map(([name, data]) => [name, sha256(data)]));
    await writeManifest(dir, new Map([...own, ...listed]));
    for (const [name, data] of files) if (await differs(path.join(dir, name), data)) await writeAtomic(path.join(dir, name), data);
    await removeLeftovers(dir, own, listed);
    await writeManifest(dir, listed);
  });

/** Plotly's megabyte and unchanged pictures are left alone where they already lie. */
const differs = async (file: string, data: string | Uint8Array): Promise<boolean> => {
  const have = await readFile(file).catch(() => null);
  return have === null || !have.equals(Buffer.from(data));
};

/** images/grid/row-1.png -> images/grid, images */
const foldersOf = (name: string): string[] => {
  const folder = path.posix.dirname(name);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
};

/**
 * Removes files of an earlier report that this one does not have, what a killed process left of either, and folders that are empty then. A
 * file that is not what the earlier report wrote has been edited since, and stays.
 */
const removeLeftovers = async (dir: string, own: OwnFiles, files: OwnFiles): Promise<void> => {
  const ours = (name: string): boolean => own.has(name) || files.has(name) || name === MANIFEST || name === FOLDER_PROBE;
  const temporary = (await filesIn(dir)).filter((name) => ours(unfinished(name) ?? ''));
  const gone = [...temporary];
  for (const [name, hash] of own) {
    if (files.has(name)) continue;
    const data = await readFile(path.join(dir, name)).catch(() => null);
    if (data !== null && (hash === null || sha256(data) === hash)) gone.push(name);
  }
  await Promise.all(gone.map((name) => rm(path.join(dir, name), { force: true })));
  const folders = new Set(gone.flatMap(foldersOf));
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) await rmdir(path.join(dir, folder)).catch(() => {});
};
