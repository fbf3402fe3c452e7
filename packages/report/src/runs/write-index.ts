import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { unfinished, writeAtomic } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';
import { findRuns } from './find-runs.ts';
import { INDEX_MARK, indexPage } from './index-page.ts';

const ASSETS = ['report.css', 'index.css', 'index.js'];

/**
 * Writes index.html (and assets/) over all reports below a folder, newest first, with any two of them side by side. It needs no network and
 * no server.
 * @throws ReportError `foreign-files` if the folder has an index.html that is not an index of reports
 */
export const writeIndex = async (reports: string): Promise<void> => {
  const file = path.join(reports, 'index.html');
  const present = await readFile(file, 'utf8').catch(() => null);
  if (present !== null && !present.includes(INDEX_MARK))
    throw new ReportError('foreign-files', `${file} is not an index of reports; move it away, or name another folder`, { file });
  const runs = await findRuns(reports);
  for (const name of ASSETS)
    await writeAtomic(path.join(reports, 'assets', name), await readFile(new URL(`../page/${name}`, import.meta.url)));
  await writeAtomic(file, indexPage(runs));
  await removeUnfinished(reports, ['index.html']);
  await removeUnfinished(path.join(reports, 'assets'), ASSETS);
};

/** Removes what processes that were killed here have left of our files. */
const removeUnfinished = async (folder: string, names: readonly string[]): Promise<void> => {
  for (const name of await readdir(folder)) if (names.includes(unfinished(name) ?? '')) await rm(path.join(folder, name), { force: true });
};
