import { escapeHtml } from '../text/escape.ts';
import { paragraphs } from '../text/inline-text.ts';
import type { PlacedGrid } from '../write/place-images.ts';
import { renderClaims } from './claims.ts';
import { renderFigure } from './figure.ts';
import { filmStripGrid } from '../model/film-strip.ts';
import { renderImageGrid, renderLead } from './image-grid.ts';
import { renderTable } from './table.ts';
import type { Arm, Attribution, Block, ImageGrid, Provenance, Report, Section } from '../model/report.ts';

const renderBlock = (block: Block, grids: ReadonlyMap<string, PlacedGrid>, arms: readonly Arm[]): string => {
  switch (block.kind) {
    case 'prose':
      return `<div class="prose">${paragraphs(block.text)}</div>`;
    case 'note':
      return `<aside class="note">${paragraphs(block.text)}</aside>`;
    case 'table':
      return renderTable(block, `${block.id}.csv`, arms);
    case 'line':
    case 'bar':
      return renderFigure(block, `${block.id}.csv`, arms);
    case 'image-grid':
      return renderImageGrid(block, grids.get(block.id)!, arms);
    case 'film-strip':
      return renderImageGrid(filmStripGrid(block), grids.get(block.id)!, arms);
  }
};

const renderSection = (
  { id, title, blocks }: Section,
  grids: ReadonlyMap<string, PlacedGrid>,
  arms: readonly Arm[],
): string => `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)}</h2>
${blocks.map((block) => renderBlock(block, grids, arms)).join('\n')}
</section>`;

const wallTime = (seconds: number): string => {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const provenanceTable = (
  id: string,
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string => `<details class="provenance-table"><summary>${caption}</summary>
<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table id="${id}">
<thead><tr>${head.map((label) => `<th scope="col">${label}</th>`).join('')}</tr></thead>
<tbody>${rows.map(([first, ...cells]) => `<tr><th scope="row">${escapeHtml(first!)}</th>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('\n')}</tbody>
</table></div></details>`;

const renderTrainings = ({ trainings = [] }: Provenance): string =>
  trainings.length === 0
    ? ''
    : provenanceTable(
        'trainings',
        'Training by training',
        ['training', 'identity', 'commit', 'processor', 'instructions', 'engine', 'threads', 'seconds', 'finished'],
        trainings.map(({ id, identity, commit, processor, instructionSet, engine, threads, seconds, finishedAt }) => [
          id,
          identity,
          commit ?? 'not recorded',
          processor,
          instructionSet,
          engine,
          String(threads),
          seconds === null ? 'in pieces' : String(seconds),
          finishedAt.slice(0, 16).replace('T', ' '),
        ]),
      );

const renderNetworks = ({ networks = [] }: Provenance): string =>
  networks.length === 0
    ? ''
    : provenanceTable(
        'networks',
        'Networks that drew and judged',
        ['network', 'weights', 'engine'],
        networks.map(({ name, hash, engine }) => [name, hash, engine]),
      );

const renderProvenance = (provenance: Provenance): string => {
  const { commit, profile, configHash, weightsHash, datasetHash, engine, machine, wallSeconds, finishedAt, command } = provenance;
  const code = (value: string | null): string =>
    value === null ? '<span class="missing">not recorded</span>' : `<code>${escapeHtml(value)}</code>`;
  const text = (value: string | null): string => (value === null ? '<span class="missing">not recorded</span>' : escapeHtml(value));
  const entries: readonly (readonly [string, string])[] = [
    ['Commit', code(commit)],
    ['Profile', text(profile)],
    ['Config hash', code(configHash)],
    ['Weights hash', code(weightsHash)],
    ['Dataset hash', code(datasetHash)],
    ['Engine', text(engine)],
    ['Machine', text(machine)],
    ['Wall time', text(wallSeconds === null ? null : wallTime(wallSeconds))],
    ['Finished', text(finishedAt)],
  ];
  return `<section id="provenance" aria-labelledby="provenance-title">
<h2 id="provenance-title">Provenance</h2>
<p class="measure">These hold for every number above that names none of its own. The same numbers at full precision: <a href="results.json">results.json</a>.</p>
<dl class="provenance">
${entries.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join('\n')}
</dl>
<p class="command-label" id="command-label">Regenerate with</p>
<div class="command"><pre tabindex="0" aria-labelledby="command-label"><code id="command">${escapeHtml(command)}</code></pre><button type="button" class="copy" data-copies="command">Copy</button></div>
${renderTrainings(provenance)}
${renderNetworks(provenance)}
</section>`;
};

const renderAttribution = (attribution: readonly Attribution[]): string =>
  attribution.length === 0
    ? ''
    : `<section id="attribution" aria-labelledby="attribution-title">
<h2 id="attribution-title">Attribution</h2>
<ul class="attribution">
${attribution
  .map(({ work, author, license, url, note }) => {
    const name = url !== undefined && /^https?:\/\//.test(url) ? `<a href="${escapeHtml(url)}">${escapeHtml(work)}</a>` : escapeHtml(work);
    return `<li>${name} by ${escapeHtml(author)}, ${escapeHtml(license)}.${note === undefined ? '' : ` ${escapeHtml(note)}`}</li>`;
  })
  .join('\n')}
</ul>
</section>`;

const renderContents = ({ claims, sections, attribution }: Report): string => {
  const entries = [
    ...(claims.length > 0 ? [{ id: 'key-results', title: 'Key results' }] : []),
    ...sections,
    { id: 'provenance', title: 'Provenance' },
    ...(attribution.length > 0 ? [{ id: 'attribution', title: 'Attribution' }] : []),
  ];
  return `<nav class="contents" aria-label="Contents"><ol>${entries.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('')}</ol></nav>`;
};

/** The grid of pictures that a block is; null for blocks without pictures. */
const gridOf = (block: Block): ImageGrid | null =>
  block.kind === 'image-grid' ? block : block.kind === 'film-strip' ? filmStripGrid(block) : null;

const leadOf = ({ lead, sections, arms = [] }: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const block = sections.flatMap(({ blocks }) => blocks).find((candidate) => 'id' in candidate && candidate.id === lead);
  const grid = block === undefined ? null : gridOf(block);
  return grid === null ? '' : renderLead(grid, grids.get(grid.id)!, arms);
};

/**
 * Everything comes from the report's own folder: nothing that a text from outside might say can load or run. Figures set styles on
 * elements, and a page opened from a disk has no origin but its scheme.
 */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data: blob:; connect-src blob: data:; base-uri 'none'; form-action 'none'";

/** The whole page. Styles, script and Plotly come from assets/ by relative address: it works from file:// without a network. */
export const renderPage = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { id, title, takeaway, summary, sections, provenance, attribution, arms = [] } = report;
  const meta = [
    `${id}, profile ${provenance.profile}`,
    ...(provenance.finishedAt === null ? [] : [provenance.finishedAt.slice(0, 10)]),
    ...(provenance.commit === null ? [] : [`commit ${provenance.commit}`]),
  ];
  const hasFigures = sections.some(({ blocks }) => blocks.some(({ kind }) => kind === 'line' || kind === 'bar'));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/report.css">
${hasFigures ? '<script defer src="assets/plotly.min.js"></script>\n' : ''}<script defer src="assets/report.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<div class="page">
<header>
<p class="eyebrow">${meta.map((part) => `<span>${escapeHtml(part)}</span>`).join('')}</p>
<h1>${escapeHtml(title)}</h1>
<div class="takeaway">${paragraphs(takeaway)}</div>
${leadOf(report, grids)}
</header>
${renderContents(report)}
<main id="main">
${[`<div class="summary">${paragraphs(summary)}</div>`, renderClaims(report), ...sections.map((section) => renderSection(section, grids, arms)), renderProvenance(provenance), renderAttribution(attribution)].filter((part) => part !== '').join('\n')}
</main>
</div>
<dialog id="enlarged" aria-labelledby="enlarged-title">
<form method="dialog"><p id="enlarged-title"></p><button aria-label="Close">\u00d7</button></form>
<div class="stage"></div>
</dialog>
</body>
</html>
`;
};
