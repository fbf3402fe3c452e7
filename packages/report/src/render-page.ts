import { escapeHtml } from './escape.ts';
import { paragraphs } from './inline-text.ts';
import type { PlacedGrid } from './place-images.ts';
import { renderClaims } from './render-claims.ts';
import { renderFigure } from './render-figure.ts';
import { renderImageGrid } from './render-image-grid.ts';
import { renderTable } from './render-table.ts';
import type { Attribution, Block, Provenance, Report, Section } from './report.ts';

const renderBlock = (block: Block, grids: ReadonlyMap<string, PlacedGrid>): string => {
  switch (block.kind) {
    case 'prose':
      return `<div class="prose">${paragraphs(block.text)}</div>`;
    case 'note':
      return `<aside class="note">${paragraphs(block.text)}</aside>`;
    case 'table':
      return renderTable(block, `${block.id}.csv`);
    case 'line':
    case 'bar':
      return renderFigure(block, `${block.id}.csv`);
    case 'image-grid':
      return renderImageGrid(block, grids.get(block.id)!);
  }
};

const renderSection = (
  { id, title, blocks }: Section,
  grids: ReadonlyMap<string, PlacedGrid>,
): string => `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)}</h2>
${blocks.map((block) => renderBlock(block, grids)).join('\n')}
</section>`;

const wallTime = (seconds: number): string => {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

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
<pre tabindex="0" aria-labelledby="command-label"><code>${escapeHtml(command)}</code></pre>
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

/** The whole page. Styles, script and Plotly come from assets/ by relative address: it works from file:// without a network. */
export const renderPage = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { id, title, summary, claims, sections, provenance, attribution } = report;
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
<div class="summary">${paragraphs(summary)}</div>
</header>
${renderContents(report)}
<main id="main">
${[renderClaims(claims), ...sections.map((section) => renderSection(section, grids)), renderProvenance(provenance), renderAttribution(attribution)].filter((part) => part !== '').join('\n')}
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
