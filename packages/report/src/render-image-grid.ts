import { escapeHtml } from './escape.ts';
import { headerGroups } from './header-groups.ts';
import type { PlacedGrid, PlacedImage } from './place-images.ts';
import type { GridColumn, GridImage, ImageGrid } from './report.ts';

/** Up to this width an image is shown by whole-number enlargement with hard pixels; a larger one is scaled smoothly. */
const PIXELATED_UP_TO = 128;
/** Width on the page that images are brought near to, in CSS pixels; many columns get a smaller one. */
const TARGET_WIDTH = 128;
const TARGET_WIDTH_OF_MANY = 64;
const MANY_COLUMNS = 10;
const LARGE_IMAGE_WIDTH = 192;

const shownWidth = (imageWidth: number, columns: number): number => {
  if (imageWidth > PIXELATED_UP_TO) return LARGE_IMAGE_WIDTH;
  const target = columns > MANY_COLUMNS ? TARGET_WIDTH_OF_MANY : TARGET_WIDTH;
  return imageWidth * Math.max(1, Math.floor(target / imageWidth));
};

// The picture element shows one tile of a row's PNG: as wide as all tiles together, shifted left, cut off by its frame.
const renderImage = (image: GridImage, { file, index, count }: PlacedImage, title: string): string => {
  const pixelated = image.width <= PIXELATED_UP_TO ? ' pixelated' : '';
  return `<button type="button" class="enlarge" data-title="${escapeHtml(title)}" aria-label="Enlarge: ${escapeHtml(image.alt)}">
<span class="frame${pixelated}" style="aspect-ratio:${image.width}/${image.height};--tiles:${count};--tile:${index}" data-width="${image.width}" data-height="${image.height}"><img src="${file}" alt="${escapeHtml(image.alt)}" decoding="async"></span>
</button>${image.caption === undefined ? '' : `<span class="image-caption">${escapeHtml(image.caption)}</span>`}`;
};

const columnName = (column: GridColumn): string => (typeof column === 'string' ? column : `${column.group}: ${column.label}`);

const renderHead = (columns: readonly GridColumn[]): string => {
  const runs = headerGroups(columns.map((column) => (typeof column === 'string' ? undefined : column.group)));
  if (runs.every(({ group }) => group === undefined))
    return `<tr><td></td>${columns.map((column) => `<th scope="col">${escapeHtml(columnName(column))}</th>`).join('')}</tr>`;
  let at = 0;
  const upper = runs.map(({ group, span }) => {
    const first = columns[at]!;
    at += span;
    return group === undefined
      ? `<th scope="col" rowspan="2">${escapeHtml(columnName(first))}</th>`
      : `<th scope="colgroup" colspan="${span}" class="group">${escapeHtml(group)}</th>`;
  });
  const lower = columns.map((column) => (typeof column === 'string' ? '' : `<th scope="col">${escapeHtml(column.label)}</th>`));
  return `<tr><td rowspan="2"></td>${upper.join('')}</tr>\n<tr>${lower.join('')}</tr>`;
};

/** A table of images: row headers stay in sight while a narrow screen scrolls sideways; a click or Enter enlarges. */
export const renderImageGrid = (grid: ImageGrid, { places }: PlacedGrid): string => {
  const { id, caption, columns, rows } = grid;
  const widths = rows.flatMap(({ images }) => images.flatMap((image) => (image === null ? [] : [shownWidth(image.width, columns.length)])));
  const body = rows.map(({ label, detail, images }, row) => {
    const cells = images.map((image, column) => {
      if (image === null) return '<td><span class="missing">no image</span></td>';
      const title = [label, columnName(columns[column]!), image.caption].filter(Boolean).join(' \u00b7 ');
      return `<td>${renderImage(image, places[row]![column]!, title)}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(label)}${detail === undefined ? '' : `<span class="detail">${escapeHtml(detail)}</span>`}</th>${cells.join('')}</tr>`;
  });
  return `<figure class="images" id="${id}">
<figcaption id="${id}-caption">${escapeHtml(caption)}</figcaption>
<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-caption">
<table class="image-grid" style="--shown:${Math.max(TARGET_WIDTH_OF_MANY, ...widths)}px">
<thead>
${renderHead(columns)}
</thead>
<tbody>
${body.join('\n')}
</tbody>
</table>
</div>
</figure>`;
};
