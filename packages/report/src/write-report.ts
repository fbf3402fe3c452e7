import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { writeAtomic } from '@controllab/data';
import { blockCsv } from './csv.ts';
import { type PlacedGrid, placeImages } from './place-images.ts';
import { renderPage } from './render-page.ts';
import type { Report } from './report.ts';
import { reportResults } from './results.ts';
import { validateReport } from './validate-report.ts';

/** Copies Plotly once: 5 MB that rarely change are left alone where they already lie. */
const copyPlotly = async (file: string): Promise<void> => {
  const source = createRequire(import.meta.url).resolve('plotly.js');
  const [have, want] = await Promise.all([stat(file).catch(() => null), stat(source)]);
  if (have?.size === want.size) return;
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(source, `${file}.${process.pid}.tmp`);
  await rename(`${file}.${process.pid}.tmp`, file);
};

/** Removes what an earlier report of this folder left: images and CSV files that this one does not have. */
const removeLeftovers = async (dir: string, files: ReadonlySet<string>): Promise<void> => {
  const [top, images] = await Promise.all([readdir(dir), readdir(path.join(dir, 'images'), { recursive: true }).catch(() => [])]);
  const owned = [
    ...top.filter((name) => name.endsWith('.csv')),
    ...images.filter((name) => name.endsWith('.png')).map((name) => `images/${name.split(path.sep).join('/')}`),
  ];
  await Promise.all(owned.filter((name) => !files.has(name)).map((name) => rm(path.join(dir, name))));
};

/**
 * Writes a report into `dir`: index.html, assets/ (Plotly, style, script), images/ (PNG), results.json (the same numbers for programs) and
 * one CSV per table and figure. Every file is written whole or not at all, index.html last. The CSV files at the top of `dir` and the PNG
 * files under images/ belong to the report: those of an earlier one are removed. Reports that differ only in their provenance differ only
 * in index.html and in results.json's `provenance`.
 * @throws ReportError before anything is written if a number is not finite, a shape does not fit or an id cannot be a file name
 */
export const writeReport = async (dir: string, report: Report): Promise<void> => {
  validateReport(report);
  const files = new Map<string, string | Buffer>();
  const grids = new Map<string, PlacedGrid>();
  for (const block of report.sections.flatMap(({ blocks }) => blocks)) {
    const csv = blockCsv(block);
    if (csv !== null && 'id' in block) files.set(`${block.id}.csv`, csv);
    if (block.kind === 'image-grid') {
      const placed = await placeImages(block);
      grids.set(block.id, placed);
      for (const [name, png] of placed.files) files.set(name, png);
    }
  }
  for (const name of ['report.css', 'report.js']) files.set(`assets/${name}`, await readFile(new URL(`page/${name}`, import.meta.url)));
  files.set('results.json', reportResults(report, grids));
  files.set('index.html', renderPage(report, grids));

  await copyPlotly(path.join(dir, 'assets', 'plotly.min.js'));
  for (const [name, data] of files) await writeAtomic(path.join(dir, name), data);
  await removeLeftovers(dir, new Set(files.keys()));
};
