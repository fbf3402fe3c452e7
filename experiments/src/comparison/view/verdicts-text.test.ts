import type { Claim, Measurement } from '@controllab/report';
import { expect, it } from 'vitest';
import { verdictsText } from './verdicts-text.ts';

const measured = (perTraining: readonly number[]): Measurement => ({
  value: perTraining.reduce((a, b) => a + b, 0) / perTraining.length,
  interval: null,
  n: perTraining.length,
  method: 'made up',
  seeds: perTraining.map((_, i) => i + 1),
  perTraining,
});
const UP = measured([0.3, 0.31, 0.29, 0.3, 0.32, 0.28]);
const DOWN = measured([-0.3, -0.31, -0.29, -0.3, -0.32, -0.28]);
const OPEN = measured([-0.3, 0.31, -0.29, 0.3, -0.32, 0.28]);
const claim = (text: string, results: Readonly<Record<string, Measurement>>, primary = true): Claim => ({
  ...{
    id: text,
    claim: text,
    source: 'ours',
    test: 'made up',
    quantity: text,
    rule: { kind: 'above', bound: 0 },
    basis: 'trainings',
    primary,
  },
  results: Object.entries(results).map(([label, one]) => ({ label, measured: one, paper: null })),
});

it('counts primary verdicts, and says in the claims’ words what did not hold', () => {
  const claims = [
    claim('It works.', { scribble: UP, mask: UP }),
    claim('It is fast.', { scribble: UP, mask: DOWN }),
    claim('It is small.', { scribble: DOWN }),
    claim('It is small.', { mask: DOWN }),
    claim('It is new.', { scribble: OPEN }),
    claim('It flies.', { scribble: DOWN }, false),
  ];
  expect(verdictsText(claims)).toBe(
    ' Of 7 primary results: 3 reproduced, 3 not reproduced, 1 inconclusive. Not so here: “It is fast” (mask); “It is small”.',
  );
  expect(verdictsText([claim('It works.', { scribble: UP })])).toBe(' Of 1 primary result: 1 reproduced.');
});

it('says nothing of too few trainings', () => {
  expect(verdictsText([claim('It works.', { scribble: measured([0.3, 0.31]) })])).toBe('');
});
