import { expect, it } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';
import { findPython } from '@controllab/python-peer';

const bench = (...args: string[]) => startCommand(new URL('../bench/command.ts', import.meta.url), ...args);
const { reason } = findPython(['torch', 'numpy']);

interface BenchCase {
  value: number;
  samplesPerSecond: number;
  peer: { timeRatio: number; largestDifference: number } | null;
}

// Vitest prints the name of a test: it says what is missing and how to get it.
it(`the bench trains and predicts as PyTorch does${reason === null ? '' : ` (without PyTorch: ${reason}; apt install python3-torch)`}`, async () => {
  const { code, stdout, stderr } = await bench('--quick', '--rounds', '1');
  expect(code, stderr).toBe(0);
  const { peerReason, cases } = JSON.parse(stdout) as { peerReason: string | null; cases: BenchCase[] };
  expect(peerReason).toBe(reason);
  expect(cases).toHaveLength(3);
  for (const { value, samplesPerSecond } of cases) expect([Number.isFinite(value), samplesPerSecond > 0]).toEqual([true, true]);
  const peers = cases.map(({ peer }) => peer);
  expect(peers.map((peer) => peer !== null)).toEqual(reason === null ? [true, true, false] : [false, false, false]);
  // Losses of twenty steps, and the mean square of a prediction: the same network, the same gradients, the same optimizer.
  for (const peer of peers) if (peer !== null) expect(peer.largestDifference).toBeLessThan(1e-4);
});

it('refuses a flag that does not fit, and says which there are', async () => {
  const { code, stdout, stderr } = await bench('--rounds', '0');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/argument '0' is invalid. Expected a whole number of at least 1. Options: --rounds, --quick/);
});
