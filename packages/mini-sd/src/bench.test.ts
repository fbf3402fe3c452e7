import { expect, it } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';
import { findPython } from '@controllab/python-peer';

const bench = (...args: string[]) => startCommand(new URL('../bench/command.ts', import.meta.url), ...args);
const { reason } = findPython(['numpy']);

interface BenchCase {
  name: string;
  value: number;
  samplesPerSecond: number;
  peers: { name: string; timeRatio: { median: number }; largestDifference: number }[];
  notMeasured: { name: string; reason: string }[];
}

// Vitest prints the name of a test: it says what is missing and how to get it.
it(`the bench trains and predicts as PyTorch and diffusers do${reason === null ? '' : ` (without Python: ${reason})`}`, async () => {
  const { code, stdout, stderr } = await bench('--quick', '--rounds', '1');
  expect(code, stderr).toBe(0);
  const { cases, ceiling } = JSON.parse(stdout) as { ceiling: { gflops: number }; cases: BenchCase[] };
  expect(ceiling.gflops).toBeGreaterThan(0);
  expect(cases.map(({ name }) => name)).toEqual(['U-Net, training step', 'ControlNet, training step', 'U-Net, prediction', 'drawing']);
  for (const { value, samplesPerSecond } of cases) expect([Number.isFinite(value), samplesPerSecond > 0]).toEqual([true, true]);
  for (const { name, peers, notMeasured } of cases.slice(0, 3)) {
    const names = [...peers, ...notMeasured].map((peer) => peer.name);
    expect(names, name).toEqual(expect.arrayContaining(['PyTorch eager', 'diffusers, PyTorch eager', 'diffusers, OpenVINO', 'JAX jit']));
    for (const absent of notMeasured) expect(absent.reason).toMatch(/no Python with|lacks|does not train|no ControlNet|no program/);
    // Losses of twenty steps, and the mean square of a prediction: the same network, the same gradients, the same optimizer.
    for (const peer of peers) expect(peer.largestDifference, `${name}, ${peer.name}`).toBeLessThan(1e-4);
  }
}, 600_000);

it('refuses a flag that does not fit, and says which there are', async () => {
  const { code, stdout, stderr } = await bench('--rounds', '0');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/argument '0' is invalid. Expected a whole number of at least 1. Options: --rounds, --peers, --quick/);
});
