import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { checkOutput } from '@controllab/data';
import type { PairStudy, Report } from '../model/report.ts';
import { validateReport } from '../model/validate-report.ts';
import { renderPage } from '../render/page.ts';
import { PAIRS_A_ROW, STUDY_ASSETS, studyPage } from '../render/pair-study.ts';
import { blockCsv } from './csv.ts';
import { ownFiles, replaceFiles } from './manifest.ts';
import { type PlacedGrid, placeImages } from './place-images.ts';
import { reportResults } from './results.ts';

/** A folder that holds other files than an earlier report's is written to only if `overwrite` says so. */
export interface WriteReportOptions {
  readonly overwrite?: boolean;
}

/** Everything that a report consists of, by name; index.html last. */
const reportFiles = async (report: Report): Promise<Map<string, string | Uint8Array>> => {
  const files = new Map<string, string | Uint8Array>();
  files.set('assets/plotly.min.js', await readFile(createRequire(import.meta.url).resolve('plotly.js')));
  for (const name of ['report.css', 'report.js']) files.set(`assets/${name}`, await readFile(new URL(`../page/${name}`, import.meta.url)));
  const grids = new Map<string, PlacedGrid>();
  for (const block of report.sections.flatMap(({ blocks }) => blocks)) {
    const csv = blockCsv(block);
    if (csv !== null && 'id' in block) files.set(`${block.id}.csv`, csv);
    if (block.kind === 'pair-study') await studyFiles(report, block, files);
    if (block.kind !== 'image-grid' && block.kind !== 'film-strip') continue;
    const placed = await placeImages(block);
    grids.set(block.id, placed);
    for (const [name, png] of placed.files) files.set(name, png);
  }
  files.set('results.json', reportResults(report, grids));
  files.set('index.html', renderPage(report, grids));
  return files;
};

/** A study's page, its pictures, and the script and style that only such pages have. */
const studyFiles = async (report: Report, study: PairStudy, files: Map<string, string | Uint8Array>): Promise<void> => {
  const rows = Array.from({ length: Math.ceil(study.pairs.length / PAIRS_A_ROW) }, (_, row) => ({
    label: '',
    images: study.pairs.slice(row * PAIRS_A_ROW, (row + 1) * PAIRS_A_ROW).flatMap(({ images }) => images),
  }));
  const placed = await placeImages({ kind: 'image-grid', id: study.id, caption: '', columns: [], rows });
  for (const [name, png] of placed.files) files.set(name, png);
  for (const name of STUDY_ASSETS) files.set(`assets/${name}`, await readFile(new URL(`../page/${name}`, import.meta.url)));
  files.set(`${study.id}.html`, studyPage(report, study, placed));
};

/**
 * Whether a report may be written into a folder, and can be: to be asked before hours are spent.
 * @throws ReportError `foreign-files`; DataError `file-write`
 */
export const checkReportFolder = async (dir: string, { overwrite = false }: WriteReportOptions = {}): Promise<void> => {
  await checkOutput(dir, 'folder');
  await ownFiles(dir, { overwrite });
};

/**
 * Writes a report into `dir`: index.html, assets/ (Plotly, style, script), images/ (PNG), results.json (the same numbers for programs), one
 * CSV a table and figure, and manifest.json, which lists them: these files are the report's, and nothing else in the folder is touched.
 * Every file is written whole or not at all, index.html last; a process that is killed leaves nothing that no manifest lists, but for its
 * lock, which the next one removes; of several at once the last one's report stays. Reports that differ only in their provenance differ
 * only in index.html, results.json's `provenance` and the manifest.
 * @throws ReportError before anything is written if a number is not finite, a shape does not fit, an id cannot be a file name, or the
 * folder holds somebody else's files and `overwrite` does not allow it; `locked` where another process writes there for a minute
 */
export const writeReport = async (dir: string, report: Report, { overwrite = false }: WriteReportOptions = {}): Promise<void> => {
  validateReport(report);
  const files = await reportFiles(report);
  await replaceFiles(dir, files, { overwrite });
};
