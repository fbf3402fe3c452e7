import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Claim } from '../model/report.ts';
import { kindOf, tallies, type Tally } from '../render/tally.ts';
import { cellText, measuredText } from '../render/value.ts';
import type { Verdict } from '../statistics/verdict.ts';
import { firstSentence } from '../text/first-sentence.ts';
import { RESULTS_FORMAT } from '../write/stored-report.ts';

/** One tile of a report's PNG: `index` of `count` side by side. */
export interface Tile {
  readonly file: string;
  readonly index: number;
  readonly count: number;
  readonly alt: string;
}

/** One number (or verdict) of a run, as two runs are compared by it. */
export interface Entry {
  /** What it stands under: a table's caption, or "Claims". */
  readonly group: string;
  readonly name: string;
  /** As it is shown: "0.71 [0.65, 0.77]". */
  readonly text: string;
}

/** What the index keeps of a run's results.json. */
export interface Run {
  /** Folder below the reports, with forward slashes. */
  readonly folder: string;
  /** What of the folder is opened: its page, or the results where they alone were published. */
  readonly page: 'index.html' | 'results.json';
  readonly id: string;
  readonly title: string;
  readonly takeaway: string;
  readonly profile: string;
  /** As its folder's name says; null where it has none. */
  readonly seed: string | null;
  readonly commit: string | null;
  readonly finishedAt: string | null;
  readonly tallies: readonly Tally[];
  /** Judged by the rules of format 1: by an interval, however few the trainings. */
  readonly isFormer: boolean;
  /** Of its first row of pictures. */
  readonly pictures: readonly Tile[];
  readonly entries: readonly Entry[];
  /** What has become known of its page since, from the README.md beside its folder; null where nothing has. */
  readonly remark: string | null;
}

interface StoredMeasurement {
  readonly value: number;
  readonly interval: readonly [number, number] | null;
}
type StoredCell = string | number | { readonly text: string } | StoredMeasurement | null;
interface StoredImage {
  readonly file: string;
  readonly index: number;
  readonly count: number;
  readonly alt: string;
}
interface StoredBlock {
  readonly kind: string;
  readonly id: string;
  readonly caption: string;
  /** Of a table of data. */
  readonly shown?: number;
  readonly columns?: readonly { readonly label: string; readonly group?: string; readonly decimals?: number }[];
  readonly condition?: StoredImage;
  readonly rows?: readonly {
    readonly label: string;
    readonly cells?: readonly StoredCell[];
    readonly images?: readonly (StoredImage | null)[];
  }[];
}
interface FoundResult {
  readonly label: string | null;
  readonly measured: StoredMeasurement | null;
  readonly verdict: Verdict;
  /** Since format 2. */
  readonly text?: string;
}
type SingleClaim = Pick<Claim, 'claim'> & Omit<FoundResult, 'label'>;
interface FoundReport {
  readonly format: string;
  readonly id: string;
  readonly title: string;
  readonly takeaway?: string;
  readonly lead?: string;
  readonly summary: string;
  /** In format 1 a claim was its only result. */
  readonly claims: readonly (SingleClaim | (Pick<Claim, 'claim' | 'basis' | 'primary'> & { readonly results: readonly FoundResult[] }))[];
  readonly sections: readonly { readonly blocks: readonly StoredBlock[] }[];
  readonly provenance: { readonly profile: string; readonly commit: string | null; readonly finishedAt: string | null };
}

const FORMATS = ['controllab-report-1', RESULTS_FORMAT];
const RESULTS = 'results.json';
/** Folders below the reports: published/ablation/standard-seed-1, and one more. */
const DEEPEST = 4;
const THUMBNAILS = 4;

async function* resultFiles(folder: string, depth = 0): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory() && depth < DEEPEST) yield* resultFiles(full, depth + 1);
    else if (entry.name === RESULTS) yield full;
  }
}

const tableEntries = ({ caption, columns = [], rows = [] }: StoredBlock): Entry[] =>
  rows.flatMap(({ label: row, cells = [] }) =>
    cells.map((cell, i) => {
      const { group, label, decimals } = columns[i]!;
      const name = [row, ...(group === undefined ? [] : [group]), label].filter(Boolean).join(', ');
      return { group: caption, name, text: cellText(cell, { decimals }) };
    }),
  );

const resultsOf = (claim: FoundReport['claims'][number]): readonly FoundResult[] =>
  'results' in claim ? claim.results : [{ label: null, ...claim }];

const claimEntries = ({ claims }: FoundReport): Entry[] =>
  claims.flatMap((claim) =>
    resultsOf(claim).map(({ label, verdict, text = verdict, measured }) => ({
      group: 'Claims',
      name: label === null ? claim.claim : `${claim.claim} (${label})`,
      text: measured === null ? text : `${text}, ${measuredText(measured)}`,
    })),
  );

/** Some tiles of the first row of the leading pictures, evenly spaced. */
const picturesOf = ({ lead, sections }: FoundReport, folder: string): Tile[] => {
  const blocks = sections.flatMap((section) => section.blocks).filter(({ kind }) => kind === 'image-grid' || kind === 'film-strip');
  const block = blocks.find(({ id }) => id === lead) ?? blocks[0];
  const images = [block?.condition, ...(block?.rows?.[0]?.images ?? [])].filter((image) => image !== undefined && image !== null);
  const shown = Math.min(THUMBNAILS, images.length);
  return Array.from({ length: shown }, (_, k) => {
    const { file, index, count, alt } = images[Math.round((k * (images.length - 1)) / Math.max(1, shown - 1))]!;
    return { file: `${folder}/${file}`, index, count, alt };
  });
};

/** A run as the index shows it; null for a file that is no report's. */
const readRun = async (reports: string, file: string, remarksOn: typeof remarksIn): Promise<Run | null> => {
  let stored: FoundReport;
  try {
    stored = JSON.parse(await readFile(file, 'utf8')) as FoundReport;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (!FORMATS.includes(stored?.format)) return null;
  try {
    const page = existsSync(path.join(path.dirname(file), 'index.html')) ? 'index.html' : RESULTS;
    const folder = path.dirname(file);
    const remark = (await remarksOn(path.dirname(folder))).get(path.basename(folder)) ?? null;
    const run = runOf(stored, path.relative(reports, folder).split(path.sep).join('/'), page, remark);
    return isWhole(run) ? run : null;
  } catch (error) {
    // A part is missing, is something else, or is nested without end: no report of ours.
    if (error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
};

/** A row of the README's table: pages by their folders' names, and what is to be known of them. */
const REMARK = /^\| *((?:`[^`]+`(?:, )?)+) *\| *(.+?) *\|$/;

/** Remarks on the reports of a folder, by name. */
async function remarksIn(folder: string): Promise<Map<string, string>> {
  const text = await readFile(path.join(folder, 'README.md'), 'utf8').catch(() => '');
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, names, remark] = REMARK.exec(line) ?? [];
      return (names?.match(/[^`, ]+/g) ?? []).map((name) => [name, remark!] as const);
    }),
  );
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

/** Whether every part is of the kind that the index's page shows. */
const isWhole = ({ id, title, takeaway, profile, commit, finishedAt, pictures, entries }: Run): boolean =>
  [id, title, takeaway, profile].every(isText) &&
  [commit, finishedAt].every(isTextOrNull) &&
  pictures.every(({ file, index, count, alt }) => [file, alt].every(isText) && Number.isInteger(index) && Number.isInteger(count)) &&
  entries.every(({ group, name, text }) => [group, name, text].every(isText));

const runOf = (stored: FoundReport, folder: string, page: Run['page'], remark: string | null): Run => {
  const { id, title, takeaway, summary, provenance, claims, sections, format } = stored;
  // In format 1 nothing was written down before the run.
  const counted = claims.flatMap((claim) =>
    resultsOf(claim).map(({ verdict }) => ({ kind: 'results' in claim ? kindOf(claim) : 'exploratory', verdict }) as const),
  );
  return {
    folder,
    page,
    id,
    title,
    takeaway: takeaway ?? firstSentence(summary),
    profile: provenance.profile,
    seed: /(?:^|[/-])seed-(\d+)/.exec(folder)?.[1] ?? null,
    commit: provenance.commit,
    finishedAt: provenance.finishedAt,
    tallies: tallies(counted),
    isFormer: format === FORMATS[0],
    remark,
    pictures: page === RESULTS ? [] : picturesOf(stored, folder),
    entries: [...claimEntries(stored), ...sections.flatMap(({ blocks }) => blocks.filter(({ kind, shown }) => kind === 'table' && shown === undefined).flatMap(tableEntries))],
  };
};

/** All reports below a folder, newest first. Files that are no report's are left out. */
export const findRuns = async (reports: string): Promise<Run[]> => {
  const runs: Run[] = [];
  const known = new Map<string, ReturnType<typeof remarksIn>>();
  /** Once for all the reports of a folder. */
  const remarksOn: typeof remarksIn = (folder) => {
    const remarks = known.get(folder) ?? remarksIn(folder);
    known.set(folder, remarks);
    return remarks;
  };
  for await (const file of resultFiles(reports)) {
    const run = await readRun(reports, file, remarksOn);
    if (run !== null) runs.push(run);
  }
  return runs.sort((a, b) => (b.finishedAt ?? '').localeCompare(a.finishedAt ?? '') || a.folder.localeCompare(b.folder));
};
