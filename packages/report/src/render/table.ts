import { armSymbol } from './arm-marks.ts';
import { isMeasurement, isPaperValue } from '../model/cell.ts';
import { pairedDifferenceInterval } from '../statistics/interval.ts';
import { escapeHtml } from '../text/escape.ts';
import { formatExact } from '../text/format-number.ts';
import { renderCaption } from './caption.ts';
import { scrollBox } from './scroll.ts';
import { headerGroups } from './header-groups.ts';
import { exactText, measuredDecimals, renderMeasurement, renderNotMeasured, renderPaperValue, sampleText } from './value.ts';
import type { Arm, Cell, Column, Measurement, Table } from '../model/report.ts';

/** Whether two numbers are of the same trainings (or rounds), pair by pair: their difference is then known better than either. */
const arePaired = (a: Measurement, b: Measurement): boolean =>
  a.perTraining !== undefined &&
  b.perTraining?.length === a.perTraining.length &&
  a.perTraining.length > 1 &&
  a.seeds.length === b.seeds.length &&
  a.seeds.every((seed, i) => seed === b.seeds[i]);

/** Whether nothing sets two numbers apart: not the 95% interval of their paired difference, nor, where they are not paired, their own. */
const isTied = (a: Measurement, b: Measurement): boolean => {
  if (arePaired(a, b)) {
    const [lo, hi] = pairedDifferenceInterval(a.perTraining!, b.perTraining!).interval!;
    return lo <= 0 && hi >= 0;
  }
  return a.interval !== null && b.interval !== null && a.interval[0] <= b.interval[1] && b.interval[0] <= a.interval[1];
};

/** The rows whose value is the column's best, and those that are not shown to be worse than it. */
export const bestRows = (cells: readonly Cell[], better: 'higher' | 'lower'): Set<number> => {
  const sign = better === 'higher' ? 1 : -1;
  const measured = cells.flatMap((cell, row) => (isMeasurement(cell) ? [{ row, ...cell }] : []));
  if (measured.length < 2) return new Set();
  const best = measured.reduce((a, b) => (sign * b.value > sign * a.value ? b : a));
  return new Set(measured.filter((candidate) => candidate.value === best.value || isTied(candidate, best)).map(({ row }) => row));
};

const BOLD =
  'Bold: the best, and all not shown to be worse: the interval of their difference from it, paired by training, contains 0; unpaired, their interval overlaps its interval.';

const ARROWS = { higher: ' <abbr title="higher is better">\u2191</abbr>', lower: ' <abbr title="lower is better">\u2193</abbr>' };

const columnTitle = ({ label, unit, better }: Column): string =>
  `${escapeHtml(label)}${unit === undefined ? '' : ` <span class="unit">${escapeHtml(unit)}</span>`}${better === undefined ? '' : ARROWS[better]}`;

const isNumeric = (cells: readonly Cell[]): boolean =>
  cells.some((cell) => typeof cell === 'number' || isMeasurement(cell) || isPaperValue(cell)) || cells.every((cell) => cell === null);

const renderHead = ({ rowHeader, columns }: Table, numeric: readonly boolean[]): string => {
  const alignment = (i: number): string => (numeric[i] ? ' class="number"' : '');
  const runs = headerGroups(columns.map(({ group }) => group));
  if (runs.every(({ group }) => group === undefined)) {
    return `<tr><th scope="col">${escapeHtml(rowHeader)}</th>${columns.map((column, i) => `<th scope="col"${alignment(i)}>${columnTitle(column)}</th>`).join('')}</tr>`;
  }
  let at = 0;
  const upper = runs.map(({ group, span }) => {
    const i = at;
    at += span;
    return group === undefined
      ? `<th scope="col" rowspan="2"${alignment(i)}>${columnTitle(columns[i]!)}</th>`
      : `<th scope="colgroup" colspan="${span}" class="group">${escapeHtml(group)}</th>`;
  });
  const lower = columns.map((column, i) =>
    column.group === undefined ? '' : `<th scope="col"${alignment(i)}>${columnTitle(column)}</th>`,
  );
  return `<tr><th scope="col" rowspan="2">${escapeHtml(rowHeader)}</th>${upper.join('')}</tr>\n<tr>${lower.join('')}</tr>`;
};

/**
 * A table with measured numbers beside the paper's. n and seeds stand once under the table where all numbers share them, else under each
 * number.
 */
export const renderTable = (table: Table, csvFile: string, arms: readonly Arm[] = []): string => {
  const { id, caption, columns, shown = Infinity } = table;
  const rows = table.rows.slice(0, shown);
  const columnCells = columns.map((_, i) => rows.map(({ cells }) => cells[i]!));
  // Columns of a group are read against each other, so a word among them ("not given") stands where its number would.
  const numeric = columns.map(({ group }, i) => group !== undefined || isNumeric(columnCells[i]!));
  const decimals = columns.map((column, i) => column.decimals ?? measuredDecimals(columnCells[i]!.filter(isMeasurement)));
  const best = columns.map(({ better }, i) => (better === undefined ? new Set<number>() : bestRows(columnCells[i]!, better)));
  const measured = columnCells.flat().filter(isMeasurement);
  const bracketed = measured.filter(({ seeds }) => seeds.length > 0);
  const samples = new Set(measured.map(sampleText));

  const renderCell = (cell: Cell, row: number, i: number): string => {
    if (cell === null) return renderNotMeasured();
    if (typeof cell === 'string') return escapeHtml(cell);
    if (typeof cell === 'number') return `<span class="value">${exactText(cell, columns[i]!)}</span>`;
    if (isPaperValue(cell)) return renderPaperValue(cell);
    return renderMeasurement(cell, decimals[i]!, { best: best[i]!.has(row), samples: samples.size > 1 });
  };

  const sources = new Set(
    columnCells
      .flat()
      .filter(isPaperValue)
      .map(({ source }) => source),
  );
  const remarks = [
    ...(rows.length < table.rows.length
      ? [`The first ${formatExact(rows.length)} of ${formatExact(table.rows.length)} rows; all are in the CSV.`]
      : []),
    ...(bracketed.length > 0 ? [`Brackets: ${[...new Set(bracketed.map(({ method }) => method))].join('; ')}.`] : []),
    ...(samples.size === 1 ? [`Every measured number: ${[...samples][0]}.`] : []),
    ...(best.some((marked) => marked.size > 0) ? [BOLD] : []),
    ...(sources.size > 0 ? [`Paper: ${[...sources].join('; ')}.`] : []),
  ];
  return `<figure class="table" id="${id}">
<figcaption id="${id}-caption">${renderCaption(caption)}</figcaption>
${scrollBox(
  `aria-labelledby="${id}-caption"`,
  `<table>
<thead>
${renderHead(table, numeric)}
</thead>
<tbody>
${rows.map(({ label, arm, cells }, row) => `<tr><th scope="row">${armSymbol(arms, arm)}${escapeHtml(label)}</th>${cells.map((cell, i) => `<td${numeric[i] ? ' class="number"' : ''}>${renderCell(cell, row, i)}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table>`,
)}
<p class="remarks">${escapeHtml(remarks.join(' '))} <a href="${csvFile}">CSV</a></p>
</figure>`;
};
