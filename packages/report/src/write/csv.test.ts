import { expect, it } from 'vitest';
import { blockCsv } from './csv.ts';
import type { Measurement } from '../model/report.ts';

const measured = (value: number, interval: Measurement['interval']): Measurement => ({
  value,
  interval,
  n: 8,
  seeds: [1, 2],
  method: 'by hand',
});

it('writes a table with interval, n and seeds beside every measured number', () => {
  const csv = blockCsv({
    kind: 'table',
    id: 't',
    caption: '',
    rowHeader: 'variant',
    columns: [
      { label: 'measured', group: 'F1' },
      { label: 'paper', group: 'F1' },
      { label: 'size', unit: 'M' },
    ],
    rows: [
      { label: 'zero, "copy"', cells: [measured(0.5, [0.25, 0.75]), { text: '0.35 ± 0.14', source: 'Table 2' }, 361] },
      { label: 'lite', cells: [null, null, 'small'] },
      { label: 'one', cells: [measured(1, null), null, 1.5] },
    ],
  });
  expect(csv).toBe(
    [
      'variant,F1: measured,F1: measured lo,F1: measured hi,F1: measured n,F1: measured seeds,F1: paper,size (M)',
      '"zero, ""copy""",0.5,0.25,0.75,8,1 2,0.35 ± 0.14,361',
      'lite,not measured,,,,,not measured,small',
      'one,1,,,8,1 2,not measured,1.5',
      '',
    ].join('\n'),
  );
});

it('keeps a spreadsheet from taking a text for a formula; numbers stay numbers', () => {
  const texts = ['=1+1', '+cmd', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '\uff1d1', ' =1', 'a=1', '-0.31', '+.5e-3', '-'];
  const csv = blockCsv({
    kind: 'table',
    id: 't',
    caption: '',
    rowHeader: '=name',
    columns: [{ label: '@label', unit: '-' }],
    rows: [...texts.map((label) => ({ label, cells: [label] })), { label: 'number', cells: [-0.5] }],
  });
  const quote = (text: string) => (/[\r\n]/.test(text) ? `"${text}"` : text);
  const cells = texts.map((text, i) => quote(i < 8 || text === '-' ? `'${text}` : text));
  expect(csv).toBe([`'=name,'@label (-)`, ...cells.map((cell) => `${cell},${cell}`), 'number,-0.5', ''].join('\n'));
});

it('writes the points of figures', () => {
  expect(
    blockCsv({
      kind: 'line',
      id: 'l',
      caption: '',
      x: { label: 'step' },
      y: { label: 'loss' },
      series: [
        {
          label: 'a',
          x: [1, 2],
          y: [3, 4],
          band: [
            [2, 4],
            [3, 5],
          ],
          n: 4,
          seeds: [1],
        },
      ],
    }),
  ).toBe('series,step,loss,lo,hi,n,seeds\na,1,3,2,4,4,1\na,2,4,3,5,4,1\n');
  expect(
    blockCsv({
      kind: 'bar',
      id: 'b',
      caption: '',
      categories: ['none', 'full'],
      y: { label: 'F1' },
      series: [{ label: 'a', values: [measured(1, [0, 2]), null] }],
    }),
  ).toBe('category,series,F1,F1 lo,F1 hi,F1 n,F1 seeds\nnone,a,1,0,2,8,1 2\nfull,a,not measured,,,,\n');
  expect(blockCsv({ kind: 'prose', text: 'x' })).toBeNull();
});
