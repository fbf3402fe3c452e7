import type { Arm, GridColumn, ImageGrid } from '../../model/report.ts';
import { escapeHtml } from '../../text/escape.ts';
import type { PlacedGrid } from '../../write/place-images.ts';
import { armSymbol } from '../arm-marks.ts';
import { headerGroups } from '../header-groups.ts';
import { scrollBox } from '../scroll.ts';
import { columnLabel, detailLine, groupOf, isSmall, pictureTitle, renderPicture, type TabStop } from './picture.ts';

/** Widest that an image is shown on the page, in CSS pixels; several columns shrink to fit. Enlarged, it fills the window. */
const WIDEST = 128;
const WIDEST_LARGE = 192;

const armOf = (column: GridColumn): string | undefined => (typeof column === 'string' ? undefined : column.arm);

/** A column's own header; under a group the arm's symbol stands with the group. */
const columnHead = (column: GridColumn, arms: readonly Arm[]): string =>
  `${groupOf(column) === undefined ? armSymbol(arms, armOf(column)) : ''}${escapeHtml(columnLabel(column))}${typeof column === 'string' ? '' : detailLine(column.detail)}`;

const renderHead = (columns: readonly GridColumn[], arms: readonly Arm[]): string => {
  const runs = headerGroups(columns.map(groupOf));
  if (runs.every(({ group }) => group === undefined))
    return `<tr><td></td>${columns.map((column) => `<th scope="col">${columnHead(column, arms)}</th>`).join('')}</tr>`;
  let at = 0;
  const upper = runs.map(({ group, span }) => {
    const first = columns[at]!;
    at += span;
    return group === undefined
      ? `<th scope="col" rowspan="2">${columnHead(first, arms)}</th>`
      : `<th scope="colgroup" colspan="${span}" class="group">${armSymbol(arms, armOf(first))}${escapeHtml(group)}</th>`;
  });
  const lower = columns.map((column) => (groupOf(column) === undefined ? '' : `<th scope="col">${columnHead(column, arms)}</th>`));
  return `<tr><td rowspan="2"></td>${upper.join('')}</tr>\n<tr>${lower.join('')}</tr>`;
};

/** Longest word that a column is made wide for, in characters; a longer one is hyphenated. */
const LONGEST = 13;

/** Characters of the longest word that stands over one column alone: words break at spaces and hyphens. */
function longestWord(columns: readonly GridColumn[]): number {
  const groups = headerGroups(columns.map(groupOf)).flatMap(({ group, span }) => (span === 1 && group !== undefined ? [group] : []));
  const words = [...columns.map(columnLabel), ...groups].flatMap((text) => text.split(/[\s-]/));
  return Math.min(LONGEST, Math.max(...words.map((word) => word.length)));
}

const widestOf = ({ rows }: ImageGrid): number =>
  rows.every(({ images }) => images.every((image) => image === null || isSmall(image))) ? WIDEST : WIDEST_LARGE;

/** A table of images that shrink to fit the page; on a narrow screen it scrolls sideways with its row headers in sight. */
export const gridTable = (grid: ImageGrid, { places }: PlacedGrid, arms: readonly Arm[], isStop: TabStop): string => {
  const { columns, rows, caption } = grid;
  const body = rows.map(({ label, detail, arm, images }, i) => {
    const cells = images.map((image, column) => {
      if (image === null) return '<td><span class="missing">no image</span></td>';
      const title = pictureTitle(label, columns[column]!, image);
      return `<td>${renderPicture({ image, place: places[i]![column]!, title }, isStop)}${detailLine(image.detail)}</td>`;
    });
    return `<tr><th scope="row">${armSymbol(arms, arm)}${escapeHtml(label)}${detailLine(detail)}</th>${cells.join('')}</tr>`;
  });
  return scrollBox(
    `aria-label="${escapeHtml(caption)}"`,
    `<table class="image-grid" style="--widest:${widestOf(grid)}px;--columns:${columns.length};--word:${longestWord(columns)}">
<thead>
${renderHead(columns, arms)}
</thead>
<tbody>
${body.join('\n')}
</tbody>
</table>`,
  );
};
