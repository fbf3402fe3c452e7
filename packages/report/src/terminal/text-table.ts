import type { Table } from '../model/report.ts';
import { cellText } from '../render/value.ts';
import { plainText } from '@controllab/data';

const GAP = '  ';

/**
 * A report's table as aligned lines for a terminal: its caption, its header (groups above), one line a row. Numbers are written as on the
 * page; texts are made plain.
 */
export function textTable({ caption, rowHeader, columns, rows }: Table): string {
  const labels = columns.map(({ label, unit }) => plainText(unit === undefined ? label : `${label} ${unit}`));
  const groups = columns.map(({ group }, i) => (group === undefined || columns[i - 1]?.group === group ? '' : plainText(group)));
  const body = rows.map(({ label, cells }) => [plainText(label), ...cells.map((cell, i) => plainText(cellText(cell, columns[i]!)))]);
  const header = [plainText(rowHeader), ...labels];
  const widths = header.map((text, i) => Math.max(text.length, ...body.map((row) => row[i]!.length)));
  // A group's name needs as much room as its columns have together.
  for (const [i, group] of groups.entries()) {
    if (group === '') continue;
    let last = i;
    while (columns[last + 1]?.group === columns[i]!.group) last++;
    const room = widths.slice(i + 1, last + 2).reduce((a, b) => a + b + GAP.length, -GAP.length);
    widths[last + 1]! += Math.max(0, group.length - room);
  }
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join(GAP)
      .trimEnd();
  let above = ' '.repeat(widths[0]!);
  let at = widths[0]!;
  for (const [i, group] of groups.entries()) {
    if (group !== '') above = above.padEnd(at + GAP.length) + group;
    at += GAP.length + widths[i + 1]!;
  }
  return [plainText(caption), '', ...(groups.some((group) => group !== '') ? [above] : []), line(header), ...body.map(line)].join('\n');
}
