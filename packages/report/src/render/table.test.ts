import { describe, expect, it } from 'vitest';
import type { Measurement, Table } from '../model/report.ts';
import { meanInterval } from '../statistics/interval.ts';
import { bestRows, renderTable } from './table.ts';

const measured = (value: number, half: number, n = 8): Measurement => ({
  value,
  interval: [value - half, value + half],
  n,
  seeds: [1, 2, 3],
  method: 'by hand',
});

describe('bestRows', () => {
  it('marks the best value and, of numbers that are not paired, those whose interval overlaps its interval', () => {
    expect(bestRows([measured(5, 1), measured(6, 1), measured(3, 0.5), null, 9], 'higher')).toEqual(new Set([0, 1]));
    expect(bestRows([measured(5, 1), measured(6, 1), measured(3, 0.5)], 'lower')).toEqual(new Set([2]));
  });

  it('holds trainings of the same seeds against each other pair by pair', () => {
    const trained = (perTraining: readonly number[], seeds = [1, 2, 3, 4, 5]): Measurement => ({
      ...meanInterval(perTraining),
      seeds,
      perTraining,
    });
    // Seeds scatter by far more than the second arm's loss of 0.1 in each: 3 [1.04, 4.96] against 2.9 [0.94, 4.86].
    const best = trained([1, 2, 3, 4, 5]);
    const worse = trained([0.9, 1.9, 2.89, 3.9, 4.91]);
    const tied = trained([1.2, 1.8, 3.1, 3.8, 4.9]);
    expect(bestRows([best, worse, tied], 'higher')).toEqual(new Set([0, 2]));
    expect(bestRows([best, { ...worse, seeds: [6, 7, 8, 9, 10] }], 'higher')).toEqual(new Set([0, 1]));
    // Of one training the interval is over pictures.
    const one = (value: number): Measurement => ({ ...measured(value, 1), seeds: [1], perTraining: [value] });
    expect(bestRows([one(5), one(6)], 'higher')).toEqual(new Set([0, 1]));
  });

  it('marks nothing where there is nothing to compare', () => {
    expect(bestRows([measured(5, 1), null, 'x'], 'higher')).toEqual(new Set());
  });
});

describe('renderTable', () => {
  const table: Table = {
    kind: 'table',
    id: 't',
    caption: 'A & B',
    rowHeader: 'Variant',
    columns: [
      { label: 'measured', group: 'F1' },
      { label: 'paper', group: 'F1' },
      { label: 'Size', unit: 'M' },
    ],
    rows: [
      { label: '<zero>', cells: [measured(-0.5, 0.01), { text: '0.35 ± 0.14', source: 'Table 2' }, 361279120] },
      { label: 'lite', cells: [null, 'not given', 1.5] },
    ],
  };
  const html = renderTable(table, 't.csv');

  it('shows value, interval and thousands, and says what was not measured', () => {
    expect(html).toContain('<span class="value">\u22120.500</span> <span class="interval">[\u22120.510, \u22120.490]</span>');
    expect(html).toContain('361,279,120');
    expect(html).toContain('<span class="missing">not measured</span>');
    expect(html).toContain('0.35 ± 0.14');
  });

  it('has semantic headers, one group header over its columns, and escapes labels', () => {
    expect(html).toContain('<th scope="colgroup" colspan="2" class="group">F1</th>');
    expect(html).toContain('<th scope="row">&lt;zero&gt;</th>');
    expect(html).toContain('A &amp; B');
  });

  it('has the first sentence of its caption as its title', () => {
    const html = renderTable({ ...table, caption: 'Scores at batch 1.5. Bands: 95%. A & B.' }, 't.csv');
    expect(html).toContain('>Scores at batch 1.5.<span class="caption-more"> Bands: 95%. A &amp; B.</span></figcaption>');
  });

  it('states n and seeds once where all numbers share them, else under each', () => {
    expect(html).toContain('Every measured number: n\u00a0=\u00a08, seeds\u00a01\u20133.');
    expect(html).not.toContain('class="samples"');
    const mixed = renderTable({ ...table, rows: [...table.rows, { label: 'x', cells: [measured(1, 0.1, 4), 'not given', 1] }] }, 't.csv');
    expect(mixed.match(/class="samples"/g)).toHaveLength(2);
  });

  it('shows the first rows of data and says that there are more', () => {
    const html = renderTable({ ...table, shown: 1 }, 't.csv');
    expect(html).toContain('&lt;zero&gt;');
    expect(html).not.toContain('lite');
    expect(html).toContain('The first 1 of 2 rows; all are in the CSV.');
  });
});
