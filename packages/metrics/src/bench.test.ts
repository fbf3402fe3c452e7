import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const BENCH = fileURLToPath(new URL('../bench/bench.ts', import.meta.url));
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=controllab', '--import', 'tsx', BENCH, ...args], { encoding: 'utf8' });

it('the bench prints one JSON document, and says which flags it takes', () => {
  const { status, stdout, stderr } = bench('--quick', '--rounds', '1');
  expect(status, stderr).toBe(0);
  const { peerReason, cases } = JSON.parse(stdout) as {
    peerReason: string;
    cases: { name: string; ours: { samples: number[]; value: number }; peers: null }[];
  };
  expect(peerReason).toBe('skipped by --quick');
  expect(cases.map(({ ours }) => ours.samples.length)).toEqual([1, 1, 1, 1, 1]);
  for (const { ours, peers } of cases) expect([Number.isFinite(ours.value), peers]).toEqual([true, null]);
  const wrong = bench('--rounds', '0');
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
  expect(wrong.stderr).toMatch(/^--rounds expects a positive whole number, got '0'\nusage/);
});
