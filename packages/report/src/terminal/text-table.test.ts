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
