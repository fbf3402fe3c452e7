import type { Arm, Block, FilmStrip, ImageGrid, Report, Section } from '../model/report.ts';
import { escapeHtml } from '../text/escape.ts';
import { paragraphs } from '../text/inline-text.ts';
import type { PlacedGrid } from '../write/place-images.ts';
import { renderClaims } from './claims.ts';
import { renderFigure } from './figure.ts';
import { pageHead } from './head.ts';
import { renderStudyLink } from './pair-study.ts';
import { renderLead, renderPictures } from './pictures/figure.ts';
import { renderAttribution, renderProvenance } from './provenance.ts';
import { renderTable } from './table.ts';

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
    case 'film-strip':
      return renderPictures(block, grids.get(block.id)!, arms);
    case 'pair-study':
      return renderStudyLink(block);
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

const renderContents = ({ claims, sections, attribution }: Report): string => {
  const entries = [
    ...(claims.length > 0 ? [{ id: 'key-results', title: 'Key results' }] : []),
    ...sections,
    { id: 'provenance', title: 'Provenance' },
    ...(attribution.length > 0 ? [{ id: 'attribution', title: 'Attribution' }] : []),
  ];
  return `<nav class="contents" aria-label="Contents"><ol>${entries.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('')}</ol></nav>`;
};

const leadOf = ({ lead, sections, arms = [] }: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const block = sections
    .flatMap(({ blocks }) => blocks)
    .find((one): one is ImageGrid | FilmStrip => (one.kind === 'image-grid' || one.kind === 'film-strip') && one.id === lead);
  return block === undefined ? '' : renderLead(block, grids.get(block.id)!, arms);
};

/** The whole page. Styles, script and Plotly come from assets/ by relative address: it works from file:// without a network. */
export const renderPage = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { id, title, takeaway, summary, sections, provenance, attribution, reloadSeconds, arms = [] } = report;
  const meta = [
    `${id}, profile ${provenance.profile}`,
    ...(provenance.finishedAt === null ? [] : [provenance.finishedAt.slice(0, 10)]),
    ...(provenance.commit === null ? [] : [`commit ${provenance.commit}`]),
  ];
  const hasFigures = sections.some(({ blocks }) => blocks.some(({ kind }) => kind === 'line' || kind === 'bar'));
  const parts = [
    summary === '' ? '' : `<div class="summary">${paragraphs(summary)}</div>`,
    renderClaims(report),
    ...sections.map((section) => renderSection(section, grids, arms)),
    renderProvenance(provenance),
    renderAttribution(attribution),
  ];
  return `<!doctype html>
<html lang="en">
${pageHead(title, {
  styles: ['assets/report.css'],
  scripts: [...(hasFigures ? ['assets/plotly.min.js'] : []), 'assets/report.js'],
  ...(reloadSeconds === undefined ? {} : { reloadSeconds }),
})}
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
${parts.filter((part) => part !== '').join('\n')}
</main>
</div>
<dialog id="enlarged" aria-labelledby="page-enlarged-title">
<form method="dialog"><p id="page-enlarged-title"></p><button aria-label="Close">\u00d7</button></form>
<div class="stage"></div>
</dialog>
</body>
</html>
`;
};
