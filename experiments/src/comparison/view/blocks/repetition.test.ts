import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Claim, Measurement, Table, Verdict, VerdictRule } from '@controllab/report';
import { repetition } from './repetition.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'repetition-'));
afterAll(() => rmSync(root, { recursive: true }));

const ABOVE: VerdictRule = { kind: 'above', bound: 0.04 };
const measured = (perTraining: readonly number[]): Measurement => ({
  value: perTraining.reduce((a, b) => a + b, 0) / perTraining.length,
  interval: null,
  n: perTraining.length,
  method: 'made up',
  seeds: perTraining.map((_, i) => 7 + i),
  perTraining,
});
const claim = (id: string, samples: readonly number[], more: Partial<Claim> = {}): Claim => ({
  id, claim: id, source: 'ours', test: 'made up', quantity: id, rule: ABOVE, basis: 'trainings', primary: true,
  results: [{ label: 'scribble', measured: measured(samples), paper: null }], ...more,
}); // prettier-ignore

/** A published report of seeds 1 to 6 with one verdict a claim. */
function publish(verdicts: Record<string, Verdict>, { rule = ABOVE, format = 'controllab-report-2', profile = 'standard' } = {}): string {
  const folder = mkdtempSync(path.join(root, 'published-'));
  mkdirSync(path.join(folder, 'ablation'));
  const claims = Object.entries(verdicts).map(([id, verdict]) => ({
    id,
    quantity: id,
    rule,
    results: [{ label: 'scribble', measured: null, verdict }],
  }));
  const trainings = [1, 2, 3, 4, 5, 6].map((seed) => ({ seed, instructionSet: 'avx512f' }));
  writeFileSync(path.join(folder, 'ablation', 'results.json'), JSON.stringify({ format, claims, provenance: { profile, trainings } }));
  return folder;
}

const SEEDS = [7, 8, 9, 10, 11, 12];
const CLEAR = [0.3, 0.31, 0.29, 0.3, 0.32, 0.28];
const NONE = CLEAR.map((x) => -x);
const claims = [claim('a', CLEAR), claim('b', NONE), claim('c', CLEAR), claim('d', CLEAR), claim('e', CLEAR, { primary: false })];

it('sets every verdict beside that on other seeds, and counts those that are not the same', () => {
  const folder = publish({ a: 'reproduced', b: 'reproduced', c: 'inconclusive', e: 'reproduced' });
  const section = repetition(
    { id: 'ablation', profile: 'standard', claims: [...claims, { ...claim('fact', CLEAR), basis: 'fact' }] },
    { seeds: SEEDS, instructionSet: 'avx512f' },
    folder,
  )!;
  const [table] = section.blocks as [Table];
  expect(table.rows.map(({ label, cells }) => [label, cells[1], cells[3], cells[4]])).toEqual([
    ['a, scribble', 'reproduced', 'reproduced', 'same'],
    ['b, scribble', 'reproduced', 'not reproduced', 'opposite'],
    ['c, scribble', 'inconclusive', 'reproduced', 'differs'],
    ['d, scribble', null, 'reproduced', 'not tested there'],
    ['e, scribble (exploratory)', 'reproduced', 'reproduced', 'same'],
  ]);
  expect(table.caption).toContain(
    'seeds 1 to 6). Of 4 primary verdicts the same: 1, different in what is open: 1, the opposite: 1, not tested there: 1.',
  );
});

it('is about other trainings alone: other seeds, or the same ones on other processors', () => {
  const folder = publish({ a: 'reproduced' });
  const beside = (seeds: number[], instructionSet: string) =>
    repetition({ id: 'ablation', profile: 'standard', claims }, { seeds, instructionSet }, folder);
  expect(beside([1, 2, 3, 4, 5, 6], 'avx512f')).toBeNull();
  expect(beside([6, 7, 8], 'avx512f')).toBeNull();
  expect(JSON.stringify(beside([1, 2, 3, 4, 5, 6], 'avx2'))).toContain('seeds 1 to 6, on avx512f');
});

it('leaves out what is not comparable', () => {
  const at = { seeds: SEEDS, instructionSet: 'avx512f' };
  const beside = (folder: string, id = 'ablation') => repetition({ id, profile: 'standard', claims }, at, folder);
  expect(beside(publish({ a: 'reproduced' }), 'transfer')).toBeNull();
  expect(beside(publish({ a: 'reproduced' }, { profile: 'quick' }))).toBeNull();
  expect(beside(publish({ a: 'reproduced' }, { format: 'controllab-report-1' }))).toBeNull();
  const moved = beside(publish({ a: 'reproduced' }, { rule: { kind: 'above', bound: 0.05 } }))!.blocks[0] as Table;
  expect(moved.rows[0]!.cells[4]).toBe('not tested there');
  const renamed = [{ ...claims[0]!, quantity: 'a, measured otherwise' }];
  const table = repetition({ id: 'ablation', profile: 'standard', claims: renamed }, at, publish({ a: 'reproduced' }))!.blocks[0] as Table;
  expect(table.rows[0]!.cells[4]).toBe('not tested there');
});
