import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findPython } from '@controllab/python-peer';

const BENCH = fileURLToPath(new URL('../bench/bench.ts', import.meta.url));
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=controllab', '--import', 'tsx', BENCH, ...args], { encoding: 'utf8' });
const { reason } = findPython(['torch', 'numpy']);

interface BenchCase {
  value: number;
  samplesPerSecond: number;
  peer: { timeRatio: number; largestDifference: number } | null;
}

// Vitest prints the name of a test: it says what is missing and how to get it.
it(`the bench trains and predicts as PyTorch does${reason === null ? '' : ` (without PyTorch: ${reason}; apt install python3-torch)`}`, () => {
  const { status, stdout, stderr } = bench('--quick', '--rounds', '1');
  expect(status, stderr).toBe(0);
  const { peerReason, cases } = JSON.parse(stdout) as { peerReason: string | null; cases: BenchCase[] };
  expect(peerReason).toBe(reason);
  expect(cases).toHaveLength(3);
  for (const { value, samplesPerSecond } of cases) expect([Number.isFinite(value), samplesPerSecond > 0]).toEqual([true, true]);
  const peers = cases.map(({ peer }) => peer);
  expect(peers.map((peer) => peer !== null)).toEqual(reason === null ? [true, true, false] : [false, false, false]);
  // Losses of twenty steps, and the mean square of a prediction: the same network, the same gradients, the same optimizer.
  for (const peer of peers) if (peer !== null) expect(peer.largestDifference).toBeLessThan(1e-4);
});

it('refuses a flag that does not fit, and says which there are', () => {
  const { status, stdout, stderr } = bench('--rounds', '0');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^--rounds expects a positive whole number, got '0'\nusage/);
});
