import { csvText } from '@controllab/data';
import { isMeasurement, isPaperValue, NOT_MEASURED } from '../model/cell.ts';
import type { Block, Cell, Column, Table, TableRow } from '../model/report.ts';

type Field = string | number;

/** A number that stands as a text, such as a paper's. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A field as a spreadsheet shows it. */
const field = (value: Field): Field => {
  // A spreadsheet takes a text that begins like this, or with the wide forms of East Asia, for a formula; a quote in front makes it a text.
  const isFormula = typeof value === 'string' && /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) && !NUMBER.test(value);
  return isFormula ? `'${value}` : value;
};

const csv = (lines: readonly (readonly Field[])[]): string => csvText(lines.map((line) => line.map(field)));

const MEASURED_SUFFIXES = ['', ' lo', ' hi', ' n', ' seeds'];

const columnName = ({ group, label, unit }: Column): string =>
  `${group === undefined ? '' : `${group}: `}${label}${unit === undefined ? '' : ` (${unit})`}`;

const measuredFields = (cell: Cell): Field[] => {
  if (!isMeasurement(cell)) return [typeof cell === 'object' ? (cell?.text ?? NOT_MEASURED) : cell, '', '', '', ''];
  return [cell.value, cell.interval?.[0] ?? '', cell.interval?.[1] ?? '', cell.n, cell.seeds.join(' ')];
};

const plainField = (cell: Cell): Field => (cell === null ? NOT_MEASURED : isPaperValue(cell) ? cell.text : (cell as string | number));

const tableCsv = ({ rowHeader, columns, rows }: Table): string => {
  // A column with a measured number anywhere carries its interval, n and seeds in columns of their own.
  const measured = columns.map((_, i) => rows.some((row: TableRow) => isMeasurement(row.cells[i]!)));
  return csv([
    [rowHeader, ...columns.flatMap((column, i) => (measured[i] ? MEASURED_SUFFIXES : ['']).map((suffix) => columnName(column) + suffix))],
    ...rows.map(({ label, cells }) => [label, ...cells.flatMap((cell, i) => (measured[i] ? measuredFields(cell) : [plainField(cell)]))]),
  ]);
};

/** The numbers of a table or figure as CSV at full precision; null for a block without numbers. */
export const blockCsv = (block: Block): string | null => {
  switch (block.kind) {
    case 'table':
      return tableCsv(block);
    case 'line':
      return csv([
        ['series', block.x.label, block.y.label, 'lo', 'hi', 'n', 'seeds'],
        ...block.series.flatMap(({ label, x, y, band, n, seeds }) =>
          x.map((at, i) => [label, at, y[i]!, band?.[i]?.[0] ?? '', band?.[i]?.[1] ?? '', n, seeds.join(' ')]),
        ),
      ]);
    case 'bar':
      return csv([
        ['category', 'series', ...MEASURED_SUFFIXES.map((suffix) => block.y.label + suffix)],
        ...block.categories.flatMap((category, i) =>
          block.series.map(({ label, values }) => [category, label, ...measuredFields(values[i]!)]),
        ),
      ]);
    default:
      return null;
  }
};
