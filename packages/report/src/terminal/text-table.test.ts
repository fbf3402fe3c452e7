import { expect, it } from 'vitest';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { claimsTable } from './claims-table.ts';
import { textTable } from './text-table.ts';

it('aligns a table for the terminal, groups above their columns', () => {
  const text = textTable({
    kind: 'table',
    id: 't',
    caption: 'Counts.',
    rowHeader: 'model',
    columns: [
      { label: 'all', group: 'parameters' },
      { label: 'paper', group: 'parameters' },
      { label: 'size', unit: 'MB', decimals: 2 },
    ],
    rows: [
      { label: 'small', cells: [1234, { text: '1.2 k', source: 's' }, 0.5] },
      { label: 'a large one', cells: [1234567, '', null] },
    ],
  });
  expect(text).toBe(
    [
      'Counts.',
      '',
      '             parameters',
      'model              all  paper       size MB',
      'small            1,234  1.2 k          0.50',
      'a large one  1,234,567         not measured',
    ].join('\n'),
  );
});

it('writes numbers as the page does, and aligns them', () => {
  const measured = (value: number, interval: readonly [number, number] | null) => ({
    value,
    interval,
    n: 3,
    seeds: [1, 2, 3],
    method: 'm',
  });
  const text = textTable({
    kind: 'table',
    id: 't',
    caption: 'Numbers.',
    rowHeader: 'what',
    columns: [{ label: 'exact' }, { label: 'rounded', decimals: 2 }, { label: 'measured' }],
    rows: [
      { label: 'none', cells: [-0, -1e-9, measured(0, [0, 0])] },
      { label: 'tiny', cells: [-1e-9, 3e-8, measured(3e-8, [1e-8, 5e-8])] },
      { label: 'negative', cells: [-0.18215, -1234.5, measured(-0.028, [-0.09, 0.034])] },
      { label: 'a count', cells: [361279120, 361279120, measured(361279120, null)] },
    ],
  });
  expect(text.split('\n').slice(2)).toEqual([
    'what            exact         rounded                    measured',
    'none                0            0.00                           0',
    'tiny         \u22121.00e-9            0.00  3.00e-8 [1.00e-8, 5.00e-8]',
    'negative     \u22120.18215       \u22121,234.50      \u22120.028 [\u22120.090, 0.034]',
    'a count   361,279,120  361,279,120.00                 361,279,120',
  ]);
});

it('lets no label from outside move the cursor', () => {
  const text = textTable({
    kind: 'table',
    id: 't',
    caption: 'a\x1b[2Jb',
    rowHeader: 'x\r',
    columns: [{ label: 'y\x07', group: 'g\x1b]0;title\x07' }],
    rows: [{ label: 'one\nline', cells: ['c\x9b31m'] }],
  });

  expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  expect(text.split('\n')).toHaveLength(5);
});

it('prints claims by controls with their verdicts', () => {
  const lines = textTable(claimsTable(SAMPLE_REPORT.claims.slice(0, 3))).split('\n');
  expect(lines.slice(2).map((line) => line.split(/ {2,}/))).toEqual([
    ['quantity', 'verdict', 'Canny edges', 'Masks'],
    ['condition F1, zero \u2212 Gaussian', 'reproduced, 0.125 [0.110, 0.141]', 'inconclusive, 0.028 [\u22120.034, 0.090]'],
    [
      'condition F1, Gaussian ControlNet \u2212 lite',
      'not reproduced, 0.0636 [0.0572, 0.0700]',
      'reproduced, 0.0014 [\u22120.0054, 0.0082]',
    ],
    ['largest difference before training', 'reproduced, 0'],
  ]);
});
