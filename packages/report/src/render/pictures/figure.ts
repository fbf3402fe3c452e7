import { gridOf } from '../../model/film-strip.ts';
import type { Arm, FilmStrip, ImageGrid } from '../../model/report.ts';
import { escapeHtml } from '../../text/escape.ts';
import type { PlacedGrid } from '../../write/place-images.ts';
import { renderCaption } from '../caption.ts';
import { gridTable } from './grid-table.ts';
import { gridPanels, hasPanels } from './panels.ts';
import { detailLine, firstOnly, isSmall, renderPicture, type TabStop } from './picture.ts';

const pictures = (block: ImageGrid | FilmStrip, placed: PlacedGrid, arms: readonly Arm[], rows?: number): string => {
  const isStop = firstOnly();
  const whole = gridOf(block)!;
  const grid = rows === undefined ? whole : { ...whole, rows: whole.rows.slice(0, rows) };
  if (block.kind === 'film-strip') return filmStrip(block, grid, placed, arms, isStop);
  return hasPanels(grid) ? gridPanels(grid, placed, arms, isStop) : gridTable(grid, placed, arms, isStop);
};

/** The condition, which stands once, and the strip beside it. */
const filmStrip = ({ condition }: FilmStrip, grid: ImageGrid, placed: PlacedGrid, arms: readonly Arm[], isStop: TabStop): string => {
  const title = ['condition', condition.caption, condition.detail].filter(Boolean).join(' \u00b7 ');
  const side = renderPicture({ image: condition, place: placed.condition!, title }, isStop);
  return `<div class="beside film-strip"><div class="side"><div><span class="side-label">condition</span>${side}${detailLine(condition.detail)}</div></div>
${gridTable(grid, placed, arms, isStop)}</div>`;
};

/** A block of pictures. A click or Enter enlarges one, arrow keys move among them. */
export const renderPictures = (
  block: ImageGrid | FilmStrip,
  placed: PlacedGrid,
  arms: readonly Arm[],
): string => `<figure class="images" id="${block.id}">
<figcaption>${renderCaption(block.caption)}</figcaption>
${pictures(block, placed, arms)}
</figure>`;

/** Rows that the first screen has room for: panels are as high as their arms, large pictures as high as two small ones. */
const leadRows = (grid: ImageGrid): number => {
  if (hasPanels(grid)) return 2;
  return grid.rows.every(({ images }) => images.every((image) => image === null || isSmall(image))) ? 3 : 2;
};

/** The first rows of a block of pictures, for the top of the page. */
export const renderLead = (block: ImageGrid | FilmStrip, placed: PlacedGrid, arms: readonly Arm[]): string => {
  const grid = gridOf(block)!;
  const rows = leadRows(grid);
  const more = grid.rows.length > rows ? ` <a href="#${block.id}">All ${grid.rows.length} rows</a>` : '';
  return `<figure class="images lead">
${pictures(block, placed, arms, rows)}
<figcaption>${escapeHtml(block.caption)}${more}</figcaption>
</figure>`;
};
