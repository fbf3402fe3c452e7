import type { Arm, GridColumn, GridRow, ImageGrid } from '../../model/report.ts';
import { escapeHtml } from '../../text/escape.ts';
import type { PlacedGrid } from '../../write/place-images.ts';
import { armSymbol } from '../arm-marks.ts';
import { columnLabel, detailLine, groupOf, pictureTitle, renderPicture, type TabStop } from './picture.ts';

/** More columns than this are stamps on any page. */
const TABLE_UP_TO = 10;

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** A grid's columns as arms x prompts: its groups, the labels that they share, and the columns that stand alone. */
interface Layout {
  readonly groups: readonly string[];
  readonly labels: readonly string[];
  readonly alone: readonly number[];
}

const layoutOf = (columns: readonly GridColumn[]): Layout => {
  const places = columns.map((_, i) => i);
  const grouped = columns.filter((column) => groupOf(column) !== undefined);
  return {
    groups: unique(grouped.map((column) => groupOf(column)!)),
    labels: unique(grouped.map(columnLabel)),
    alone: places.filter((i) => groupOf(columns[i]!) === undefined),
  };
};

/** Whether a grid is shown as panels: too many columns for a table, in groups that share their labels. */
export const hasPanels = ({ columns }: ImageGrid): boolean => {
  const { groups, labels, alone } = layoutOf(columns);
  return columns.length > TABLE_UP_TO && groups.length > 1 && labels.length < columns.length - alone.length;
};

/** The prompts of a row, by the label of the column: a prompt that a whole column shares is said once, under the panel. */
const promptsOf = ({ columns }: ImageGrid, { images }: GridRow, labels: readonly string[]): { label: string; text: string }[] =>
  labels.flatMap((label) => {
    const texts = unique(
      images.flatMap((image, i) =>
        image === null || groupOf(columns[i]!) === undefined || columnLabel(columns[i]!) !== label ? [] : [image.detail ?? ''],
      ),
    );
    return texts.length === 1 && texts[0] !== '' ? [{ label, text: texts[0]! }] : [];
  });

/**
 * Arms x prompts, a panel for each row of a grid with many columns (ControlNet's figure 8): columns that stand alone at the side, then a
 * row an arm and a column a prompt, and the prompts under it. Panels stand side by side where there is room.
 */
export const gridPanels = (grid: ImageGrid, { places }: PlacedGrid, arms: readonly Arm[], isStop: TabStop): string => {
  const { columns, rows } = grid;
  const { groups, labels, alone } = layoutOf(columns);
  const panel = (row: GridRow, i: number): string => {
    const picture = (at: number): string => {
      const image = row.images[at];
      if (!image) return '<span class="missing">no image</span>';
      return renderPicture({ image, place: places[i]![at]!, title: pictureTitle(row.label, columns[at]!, image) }, isStop);
    };
    const side = alone.map((at) => `<div><span class="side-label">${escapeHtml(columnLabel(columns[at]!))}</span>${picture(at)}</div>`);
    const body = groups.map((group) => {
      const cells = labels.map((label) => {
        const at = columns.findIndex((column) => groupOf(column) === group && columnLabel(column) === label);
        return `<td>${at < 0 ? '' : picture(at)}</td>`;
      });
      const first = columns.find((column) => groupOf(column) === group)!;
      return `<tr><th scope="row">${armSymbol(arms, typeof first === 'string' ? undefined : first.arm)}${escapeHtml(group)}</th>${cells.join('')}</tr>`;
    });
    const prompts = promptsOf(grid, row, labels);
    return `<div class="panel">
<p class="panel-title">${escapeHtml(row.label)}${detailLine(row.detail)}</p>
<div class="beside">${side.length === 0 ? '' : `<div class="side">${side.join('')}</div>`}
<table class="image-grid" style="--columns:${labels.length}">
<thead><tr><td></td>${labels.map((label) => `<th scope="col">${escapeHtml(label)}</th>`).join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>${prompts.length === 0 ? '' : `\n<dl class="prompts">${prompts.map(({ label, text }) => `<div><dt>${escapeHtml(label)}:</dt> <dd>${escapeHtml(text)}</dd></div>`).join('')}</dl>`}
</div>`;
  };
  return `<div class="panels">\n${rows.map(panel).join('\n')}\n</div>`;
};
