import { expect, it } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';

const bench = (...args: string[]) => startCommand(new URL('../bench/command.ts', import.meta.url), ...args);

it('the bench prints one JSON document, and says which flags it takes', async () => {
  const { code, stdout, stderr } = await bench('--quick', '--rounds', '1');
  expect(code, stderr).toBe(0);
  const { peerReason, cases } = JSON.parse(stdout) as {
    peerReason: string;
    cases: { name: string; ours: { samples: number[]; value: number }; peers: null }[];
  };
  expect(peerReason).toBe('skipped by --quick');
  expect(cases.map(({ ours }) => ours.samples.length)).toEqual([1, 1, 1, 1, 1]);
  for (const { ours, peers } of cases) expect([Number.isFinite(ours.value), peers]).toEqual([true, null]);
  const wrong = await bench('--rounds', '0');
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toMatch(/argument '0' is invalid. Expected a whole number of at least 1. Options: --rounds, --quick/);
});
