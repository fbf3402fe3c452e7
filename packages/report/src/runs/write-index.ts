import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { checkOutput, FOLDER_PROBE, unfinished, writeAtomic } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';
import { aloneIn } from '../write/alone-in.ts';
import { findRuns } from './find-runs.ts';
import { INDEX_MARK, indexPage } from './index-page.ts';

const ASSETS = ['report.css', 'index.css', 'index.js'];

const assetOf = (name: string): Promise<Buffer> => readFile(new URL(`../page/${name}`, import.meta.url));

/**
 * Whether the index over a folder's reports may be written, and can be: to be asked before hours are spent.
 * @throws ReportError `foreign-files` if the folder has an index.html that is not an index of reports, or files named as its
 * style and script without one of ours; DataError `file-write`
 */
export const checkIndexFolder = async (reports: string): Promise<void> => {
  await checkOutput(reports, 'folder');
  const refuse = (file: string): never => {
    throw new ReportError('foreign-files', `${file} is not an index of reports; move it away, or name another folder`, { file });
  };
  const file = path.join(reports, 'index.html');
  const present = await readFile(file, 'utf8').catch(() => null);
  if (present !== null && !present.includes(INDEX_MARK)) refuse(file);
  const assets = path.join(reports, 'assets');
  const found = await lstat(assets).catch(() => null);
  if (found !== null && !found.isDirectory()) refuse(assets);
  if (present !== null) return;
  // A first index, or one that was killed before its page was written.
  for (const name of ASSETS) {
    const asset = await readFile(path.join(assets, name)).catch(() => null);
    if (asset !== null && !asset.equals(await assetOf(name))) refuse(path.join(assets, name));
  }
};

/**
 * Writes index.html (and assets/) over all reports below a folder, newest first, with any two of them side by side. It needs no network and
 * no server.
 * @throws as {@link checkIndexFolder}; ReportError `locked` where another process writes there for a minute
 */
export const writeIndex = async (reports: string): Promise<void> => {
  await checkIndexFolder(reports);
  await aloneIn(reports, async () => {
    const runs = await findRuns(reports);
    for (const name of ASSETS) await writeAtomic(path.join(reports, 'assets', name), await assetOf(name));
    await writeAtomic(path.join(reports, 'index.html'), indexPage(runs));
    await removeUnfinished(reports, ['index.html', FOLDER_PROBE]);
    await removeUnfinished(path.join(reports, 'assets'), ASSETS);
  });
};

/** Removes what processes that were killed here have left of our files. */
const removeUnfinished = async (folder: string, names: readonly string[]): Promise<void> => {
  for (const name of await readdir(folder)) if (names.includes(unfinished(name) ?? '')) await rm(path.join(folder, name), { force: true });
};
