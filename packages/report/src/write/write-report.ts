import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { writeAtomic } from '@controllab/data';
import { blockCsv } from './csv.ts';
import { filmStripGrid } from '../model/film-strip.ts';
import { type PlacedGrid, placeImages } from './place-images.ts';
import { renderPage } from '../render/page.ts';
import type { Report } from '../model/report.ts';
import { ReportError } from '../model/report-error.ts';
import { reportResults } from './results.ts';
import { validateReport } from '../model/validate-report.ts';

/** What a report's folder holds of its own: everything else there is somebody else's. */
export const MANIFEST = 'manifest.json';
const PLOTLY = 'assets/plotly.min.js';
/** Of reports from before there was a manifest. */
const FORMER = 'results.json';

interface Manifest {
  readonly format: 'controllab-manifest-1';
  /** SHA-256 by name. */
  readonly files: Readonly<Record<string, string>>;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Copies Plotly once: a megabyte that rarely changes is left alone where it already lies. */
const copyPlotly = async (file: string): Promise<void> => {
  const source = createRequire(import.meta.url).resolve('plotly.js');
  const [have, want] = await Promise.all([stat(file).catch(() => null), stat(source)]);
  if (have?.size === want.size) return;
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(source, `${file}.${process.pid}.tmp`);
  await rename(`${file}.${process.pid}.tmp`, file);
};

const readManifest = async (dir: string): Promise<Manifest | null> => {
  const text = await readFile(path.join(dir, MANIFEST), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as Manifest);
};

const isFormerReport = async (dir: string): Promise<boolean> => {
  const text = await readFile(path.join(dir, FORMER), 'utf8').catch(() => '');
  return text.startsWith('{\n  "format": "controllab-report-1"');
};

/**
 * The files that an earlier report left in a folder. A folder with anything else in it is a user's, who has to say that it may be written
 * to.
 */
const ownedIn = async (dir: string, overwrite: boolean): Promise<readonly string[]> => {
  const manifest = await readManifest(dir);
  if (manifest !== null) return Object.keys(manifest.files);
  const present = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = present.filter((entry) => !entry.isDirectory()).map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)));
  if (files.length === 0) return [];
  if (await isFormerReport(dir))
    return files.filter((name) =>
      /^(index\.html|results\.json|[^/]+\.csv|assets\/.*|images\/.*\.png)$/.test(name.split(path.sep).join('/')),
    );
  if (overwrite) return [];
  throw new ReportError(
    'foreign-files',
    `${dir} holds files that are no report's (${files.slice(0, 3).join(', ')}${files.length > 3 ? ', ...' : ''}). Name another folder, or say that this one may be written to: nothing but the report's own files is replaced.`,
    { dir, files: files.slice(0, 20) },
  );
};

/** Removes files of an earlier report that this one does not have, and folders that are empty then. */
const removeLeftovers = async (dir: string, owned: readonly string[], files: ReadonlySet<string>): Promise<void> => {
  const gone = owned.map((name) => name.split(path.sep).join('/')).filter((name) => !files.has(name));
  await Promise.all(gone.map((name) => rm(path.join(dir, name), { force: true })));
  const folders = new Set(gone.map((name) => path.dirname(name)).filter((folder) => folder !== '.'));
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) await rmdir(path.join(dir, folder)).catch(() => {});
};

/**
 * Whether a report may be written into a folder: to be asked before hours are spent.
 * @throws ReportError `foreign-files`
 */
export const checkReportFolder = async (dir: string, { overwrite = false }: { overwrite?: boolean } = {}): Promise<void> => {
  await ownedIn(dir, overwrite);
};

/**
 * Writes a report into `dir`: index.html, assets/ (Plotly, style, script), images/ (PNG), results.json (the same numbers for programs), one
 * CSV a table and figure, and manifest.json, which lists them: these files are the report's, and nothing else in the folder is touched.
 * Every file is written whole or not at all, index.html last. Reports that differ only in their provenance differ only in index.html,
 * results.json's `provenance` and the manifest.
 * @throws ReportError before anything is written if a number is not finite, a shape does not fit, an id cannot be a file name, or the
 * folder holds somebody else's files and `overwrite` does not allow it
 */
export const writeReport = async (dir: string, report: Report, { overwrite = false }: { overwrite?: boolean } = {}): Promise<void> => {
  validateReport(report);
  const owned = await ownedIn(dir, overwrite);
  const files = new Map<string, string | Buffer>();
  const grids = new Map<string, PlacedGrid>();
  for (const block of report.sections.flatMap(({ blocks }) => blocks)) {
    const csv = blockCsv(block);
    if (csv !== null && 'id' in block) files.set(`${block.id}.csv`, csv);
    const grid = block.kind === 'film-strip' ? filmStripGrid(block) : block;
    if (grid.kind === 'image-grid') {
      const placed = await placeImages(grid);
      grids.set(grid.id, placed);
      for (const [name, png] of placed.files) files.set(name, png);
    }
  }
  for (const name of ['report.css', 'report.js']) files.set(`assets/${name}`, await readFile(new URL(`../page/${name}`, import.meta.url)));
  files.set('results.json', reportResults(report, grids));
  files.set('index.html', renderPage(report, grids));

  await copyPlotly(path.join(dir, PLOTLY));
  const hashes = Object.fromEntries([...files].map(([name, data]) => [name, sha256(data)]));
  const plotly = sha256(await readFile(path.join(dir, PLOTLY)));
  const listed = { ...hashes, [PLOTLY]: plotly };
  // Both reports' files belong to us until this one is whole: a kill in between leaves nothing that no manifest lists.
  const union = Object.fromEntries([...owned.map((name) => [name, ''] as const), ...Object.entries(listed)]);
  await writeAtomic(path.join(dir, MANIFEST), manifestText(union));
  for (const [name, data] of files) await writeAtomic(path.join(dir, name), data);
  await removeLeftovers(dir, owned, new Set([...files.keys(), PLOTLY]));
  await writeAtomic(path.join(dir, MANIFEST), manifestText(listed));
};

const manifestText = (files: Readonly<Record<string, string>>): string =>
  `${JSON.stringify({ format: 'controllab-manifest-1', files } satisfies Manifest, null, 2)}\n`;
