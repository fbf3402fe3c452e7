import { swatch } from './arm-colours.ts';
import { escapeHtml } from '../text/escape.ts';
import { headerGroups } from './header-groups.ts';
import type { PlacedGrid, PlacedImage } from '../write/place-images.ts';
import type { Arm, GridColumn, GridImage, ImageGrid } from '../model/report.ts';

/** Up to this width an image is shown with hard pixels; a larger one is scaled smoothly. */
const PIXELATED_UP_TO = 128;
/** Widest that an image is shown on the page, in CSS pixels; many columns shrink to fit. Enlarged, it fills the window. */
const WIDEST = 128;
const WIDEST_LARGE = 192;

// The picture element shows one tile of a row's PNG: as wide as all tiles together, shifted left, cut off by its frame.
const renderImage = (image: GridImage, { file, index, count }: PlacedImage, title: string, reachable: boolean): string => {
  const pixelated = image.width <= PIXELATED_UP_TO ? ' pixelated' : '';
  return `<button type="button" class="enlarge" data-title="${escapeHtml(title)}" aria-label="Enlarge: ${escapeHtml(image.alt)}"${reachable ? '' : ' tabindex="-1"'}>
<span class="frame${pixelated}" style="aspect-ratio:${image.width}/${image.height};--tiles:${count};--tile:${index}" data-width="${image.width}" data-height="${image.height}"><img src="${file}" alt="${escapeHtml(image.alt)}" decoding="async"></span>
</button>${image.caption === undefined ? '' : `<span class="image-caption">${escapeHtml(image.caption)}</span>`}`;
};

const columnName = (column: GridColumn): string => (typeof column === 'string' ? column : `${column.group}: ${column.label}`);

const renderHead = (columns: readonly GridColumn[], arms: readonly Arm[]): string => {
  const runs = headerGroups(columns.map((column) => (typeof column === 'string' ? undefined : column.group)));
  if (runs.every(({ group }) => group === undefined))
    return `<tr><td></td>${columns.map((column) => `<th scope="col">${escapeHtml(columnName(column))}</th>`).join('')}</tr>`;
  let at = 0;
  const upper = runs.map(({ group, span }) => {
    const first = columns[at]!;
    at += span;
    if (group === undefined || typeof first === 'string') return `<th scope="col" rowspan="2">${escapeHtml(columnName(first))}</th>`;
    return `<th scope="colgroup" colspan="${span}" class="group">${swatch(arms, first.arm)}${escapeHtml(group)}</th>`;
  });
  const lower = columns.map((column) => (typeof column === 'string' ? '' : `<th scope="col">${escapeHtml(column.label)}</th>`));
  return `<tr><td rowspan="2"></td>${upper.join('')}</tr>\n<tr>${lower.join('')}</tr>`;
};

type Row = ImageGrid['rows'][number];

const renderNotes = ({ notes = [] }: Row, columns: number): string =>
  notes.length === 0
    ? ''
    : `\n<tr class="notes"><td></td><td colspan="${columns}"><dl>${notes.map(({ label, text }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd></div>`).join('')}</dl></td></tr>`;

const renderRows = (
  { columns, rows }: Pick<ImageGrid, 'columns' | 'rows'>,
  places: PlacedGrid['places'],
  arms: readonly Arm[],
): string[] => {
  // One picture of a grid is a stop of the Tab key; arrow keys go from there.
  let first = true;
  return rows.map((row, i) => {
    const cells = row.images.map((image, column) => {
      if (image === null) return '<td><span class="missing">no image</span></td>';
      const title = [row.label, columnName(columns[column]!), image.caption, image.detail].filter(Boolean).join(' \u00b7 ');
      const cell = `<td>${renderImage(image, places[i]![column]!, title, first)}</td>`;
      first = false;
      return cell;
    });
    const detail = row.detail === undefined ? '' : `<span class="detail">${escapeHtml(row.detail)}</span>`;
    return `<tr><th scope="row">${swatch(arms, row.arm)}${escapeHtml(row.label)}${detail}</th>${cells.join('')}</tr>${renderNotes(row, columns.length)}`;
  });
};

const widestOf = ({ rows }: Pick<ImageGrid, 'rows'>): number =>
  rows.some(({ images }) => images.some((image) => image !== null && image.width > PIXELATED_UP_TO)) ? WIDEST_LARGE : WIDEST;

const table = (
  grid: ImageGrid,
  { places }: PlacedGrid,
  arms: readonly Arm[],
): string => `<table class="image-grid" style="--widest:${widestOf(grid)}px;--columns:${grid.columns.length}">
<thead>
${renderHead(grid.columns, arms)}
</thead>
<tbody>
${renderRows(grid, places, arms).join('\n')}
</tbody>
</table>`;

/** A table of images that fits the page, on a narrow screen scrolls sideways with its row headers in sight; a click or Enter enlarges. */
export const renderImageGrid = (grid: ImageGrid, placed: PlacedGrid, arms: readonly Arm[] = []): string => {
  const { id, caption } = grid;
  return `<figure class="images" id="${id}">
<figcaption id="${id}-caption">${escapeHtml(caption)}</figcaption>
<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-caption">
${table(grid, placed, arms)}
</div>
</figure>`;
};

/** Rows that the first screen has room for. */
const LEAD_ROWS = 3;

/** The first rows of a grid, for the top of the page. */
export const renderLead = (grid: ImageGrid, placed: PlacedGrid, arms: readonly Arm[] = []): string => {
  const rows = grid.rows.slice(0, LEAD_ROWS).map(({ notes: _notes, ...row }) => row);
  return `<figure class="images lead">
<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(grid.caption)}">
${table({ ...grid, rows }, placed, arms)}
</div>
<figcaption>${escapeHtml(grid.caption)} <a href="#${grid.id}">All of it</a></figcaption>
</figure>`;
};
