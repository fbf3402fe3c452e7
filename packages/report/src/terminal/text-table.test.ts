import { expect, it } from 'vitest';
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
