import { expect, it } from 'vitest';
import { cameText, foretoldTable, onsetOf } from './sizes.ts';

it('the first copy is at the first evaluated step with a ratio below a third', () => {
  const steps = [0, 100, 200];
  expect(onsetOf({ steps, copies: [[0.9, 0.4], [0.34, 0.8], [0.33, 0.9]] })).toBe(200); // prettier-ignore
  expect(onsetOf({ steps, copies: [[0.9], [0.4], [0.34]] })).toBeNull();
});

const came = { value: 0.2, interval: null, n: 1, method: '', seeds: [1] };
const prediction = { value: 0.21, interval: [0.19, 0.22] as const };
const RUNS = '3,000,000 scenes';
const sealedAs = (low: number, high: number) => ({
  hash: 'abc',
  sealed: {
    report: '', command: '', commit: '0123456789', finishedAt: '2026-01-02T00:00:00.000Z',
    table: {
      rowHeader: RUNS,
      columns: ['foretold', 'low', 'high'].map((label) => ({ label })),
      rows: [{ label: 'ControlNet, Canny edges', cells: [(low + high) / 2, low, high] }],
    },
  },
}); // prettier-ignore

it('a prediction is held against what was sealed, not against what is computed now', () => {
  const row = { label: 'ControlNet, Canny edges', prediction, came, finished: [{ finishedAt: '2026-01-03T00:00:00.000Z' }] };
  const verdict = (low: number, high: number) => foretoldTable([row], sealedAs(low, high), RUNS).rows[0]!.cells.at(-1);
  expect(verdict(0.18, 0.21)).toBe('yes');
  expect(verdict(0.201, 0.21)).toBe('no');
  const table = foretoldTable([row], sealedAs(0.18, 0.21), RUNS);
  expect(table.caption).toContain('SHA-256 of the sealed file: abc');
  expect(table.caption).toContain('Sealed on 2026-01-02, before what it foretells was trained to its end');
  expect(foretoldTable([row], null, '').rows[0]!.cells).toEqual([0.21, 0.19, 0.22, came]);
});

it('counts in a sentence what came true, of what was sealed alone', () => {
  const row = { label: 'ControlNet, Canny edges', prediction, came, finished: [] };
  const text = (low: number, high: number) => cameText([row, { ...row, label: 'ControlNeXt, Canny edges' }], sealedAs(low, high), RUNS);
  expect(text(0.18, 0.21)).toEqual(['What came lies in 1 of 1 sealed intervals (3,000,000 scenes).']);
  expect(text(0.201, 0.21)).toEqual(['What came lies in 0 of 1 sealed intervals (3,000,000 scenes).']);
  for (const none of [
    cameText([{ ...row, came: null }], sealedAs(0.18, 0.21), RUNS),
    cameText([row], null, RUNS),
    cameText([row], sealedAs(0.18, 0.21), 'other'),
  ])
    expect(none).toEqual([]);
});

it('says where what is foretold had ended before, or is something else than what was sealed', () => {
  const row = { label: 'ControlNet, Canny edges', prediction, came, finished: [{ finishedAt: '2026-01-01T00:00:00.000Z' }] };
  expect(foretoldTable([row], sealedAs(0.18, 0.21), RUNS).caption).toContain('but 1 of the 1 trainings that it foretells had ended before');
  for (const other of [
    foretoldTable([{ ...row, label: 'ControlNet, Canny edges, seeds 7 to 11' }], sealedAs(0.18, 0.21), RUNS),
    // The same row of a profile of fewer samples.
    foretoldTable([row], sealedAs(0.18, 0.21), `${RUNS}, 1,600 samples a training`),
  ]) {
    expect(other.caption).toContain('What was sealed foretells other runs than these.');
    expect(other.rows[0]!.cells.at(-1)).toBe('not sealed');
  }
});

it('before it is trained the table has what is sealed of it, and nothing else', () => {
  const table = foretoldTable([{ label: 'ControlNet, Canny edges', prediction, came: null, finished: [] }], null, '');
  expect(table.columns.map(({ label }) => label)).toEqual(['foretold', 'low', 'high']);
});
