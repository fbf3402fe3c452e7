import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomic } from '@controllab/data';
import { escapeHtml, jsonForScript } from '../text/escape.ts';
import type { Verdict } from '../statistics/verdict.ts';

/** What the index keeps of a run's results.json. */
interface Run {
  /** Folder below the reports, with forward slashes. */
  readonly folder: string;
  readonly id: string;
  readonly title: string;
  readonly takeaway: string;
  readonly profile: string;
  readonly seed: string;
  readonly commit: string | null;
  readonly finishedAt: string | null;
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** A picture of it: file, tile and number of tiles side by side. */
  readonly picture: { readonly file: string; readonly index: number; readonly count: number } | null;
  /** `claim` or `claim: control` to verdict and value. */
  readonly claims: Readonly<Record<string, string>>;
  /** `table/row/column` to value, shown to four digits. */
  readonly metrics: Readonly<Record<string, number>>;
}

interface StoredClaim {
  claim: string;
  results: { label: string | null; verdict: Verdict; measured: { value: number } | null }[];
}
interface StoredResults {
  format: string;
  id: string;
  title: string;
  takeaway: string;
  lead?: string;
  claims: StoredClaim[];
  metrics: Record<string, number>;
  sections: { blocks: { id: string; kind: string; rows?: { images?: ({ file: string; index: number; count: number } | null)[] }[] }[] }[];
  provenance: { profile: string; commit: string | null; finishedAt: string | null };
}

const RESULTS = 'results.json';
const DEEPEST = 4;

async function* resultFiles(folder: string, depth = 0): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory() && depth < DEEPEST) yield* resultFiles(full, depth + 1);
    else if (entry.name === RESULTS) yield full;
  }
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));

/** A run as the index shows it; null for a file that is no report of this format. */
async function readRun(reports: string, file: string): Promise<Run | null> {
  let results: StoredResults;
  try {
    results = JSON.parse(await readFile(file, 'utf8')) as StoredResults;
  } catch {
    return null;
  }
  if (results.format !== 'controllab-report-2') return null;
  const folder = path.relative(reports, path.dirname(file)).split(path.sep).join('/');
  const { id, title, takeaway, provenance, claims, metrics } = results;
  const verdicts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of claims.flatMap((claim) => claim.results)) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const blocks = results.sections.flatMap((section) => section.blocks);
  const pictures = blocks.find((block) => block.id === results.lead) ?? blocks.find(({ kind }) => kind === 'image-grid');
  const last = pictures?.rows?.[0]?.images?.at(-1) ?? null;
  return {
    folder,
    id,
    title,
    takeaway,
    profile: provenance.profile,
    seed: /-seed-(\d+)/.exec(folder)?.[1] ?? '',
    commit: provenance.commit,
    finishedAt: provenance.finishedAt,
    verdicts,
    picture: last === null ? null : { ...last, file: `${folder}/${last.file}` },
    claims: Object.fromEntries(
      claims.flatMap((claim) =>
        claim.results.map(({ label, verdict, measured }) => [
          label === null ? claim.claim : `${claim.claim} (${label})`,
          `${verdict}${measured === null ? '' : `, ${shown(measured.value)}`}`,
        ]),
      ),
    ),
    metrics,
  };
}

const plain = (prose: string): string => prose.replaceAll('**', '').replaceAll('`', '');

const picture = ({ picture: of, title }: Run): string =>
  of === null
    ? '<span class="thumbnail"></span>'
    : `<span class="thumbnail frame pixelated" style="--tiles:${of.count};--tile:${of.index}"><img src="${escapeHtml(of.file)}" alt="a picture of ${escapeHtml(title)}" loading="lazy"></span>`;

const item = (run: Run): string => {
  const counts = Object.entries(run.verdicts).map(([verdict, count]) => `${count} ${verdict}`);
  const facts = [
    `profile ${run.profile}`,
    ...(run.seed === '' ? [] : [`seed ${run.seed}`]),
    ...(run.finishedAt === null ? [] : [run.finishedAt.slice(0, 16).replace('T', ' ')]),
    ...(run.commit === null ? [] : [`commit ${run.commit}`]),
  ];
  return `<li>${picture(run)}<div><h2><a href="${escapeHtml(run.folder)}/index.html">${escapeHtml(run.title)}</a></h2>
<p class="samples">${escapeHtml([run.id, ...facts].join(' \u00b7 '))}</p>
<p>${escapeHtml(plain(run.takeaway))}</p>
<p class="samples">${escapeHtml(counts.join(', '))}</p></div></li>`;
};

const page = (runs: readonly Run[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Reports</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/report.css">
<script defer src="assets/index.js"></script>
</head>
<body>
<main class="page index">
<h1>Reports</h1>
${runs.length === 0 ? '<p>No report yet.</p>' : `<ul class="runs">\n${runs.map(item).join('\n')}\n</ul>`}
<section id="compare" aria-labelledby="compare-title">
<h2 id="compare-title">Two runs side by side</h2>
<form class="compare"><label>A <select name="a"></select></label> <label>B <select name="b"></select></label> <label><input type="checkbox" name="differing"> only what differs</label></form>
<div class="scroll" role="region" tabindex="0" aria-label="Comparison"><table class="comparison"></table></div>
</section>
<script type="application/json" id="runs">${jsonForScript(runs)}</script>
</main>
</body>
</html>
`;

/**
 * Writes index.html over all reports below a folder, newest first, with any two of them side by side. It needs no network and no server.
 * Reports of an older format and files that are none are left out.
 */
export async function writeIndex(reports: string): Promise<void> {
  const runs: Run[] = [];
  for await (const file of resultFiles(reports)) {
    const run = await readRun(reports, file);
    if (run !== null) runs.push(run);
  }
  runs.sort((a, b) => (b.finishedAt ?? '').localeCompare(a.finishedAt ?? '') || a.folder.localeCompare(b.folder));
  for (const name of ['report.css', 'index.js'])
    await writeAtomic(path.join(reports, 'assets', name), await readFile(new URL(`../page/${name}`, import.meta.url)));
  await writeAtomic(path.join(reports, 'index.html'), page(runs));
}
