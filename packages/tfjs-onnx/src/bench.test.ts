import { describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { startCommand } from '@controllab/command-line/testing';
import { command } from '../bench/command.ts';
import { bestCeiling } from '../bench/ceiling.ts';
import { PEERS } from '../bench/peers/peer.ts';
import { medianInterval } from '../bench/statistics.ts';

const bench = (...args: string[]) => startCommand(new URL('../bench/command.ts', import.meta.url), ...args);

describe('bench', () => {
  it('prints one JSON document: cases, the ceiling and each case as a share of it', async () => {
    const { code, stdout, stderr } = await bench('--quick', '--rounds', '3');
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      machine: { threads: expect.any(Number), cpu: expect.any(String), instructionSet: expect.any(String) },
      ceiling: { matmul: { gflops: expect.any(Number), by: 'ONNX Runtime' }, convolution: { gflops: expect.any(Number) } },
    });
    const { gflops, matmul, convolution } = report.ceiling;
    expect(gflops).toBe(Math.max(matmul.gflops, convolution.gflops));
    expect(report.cases.map(({ what, stepsPerRun }: { what: string; stepsPerRun: number }) => [what, stepsPerRun])).toEqual([
      ['step', 1],
      ['step', 10],
      ['forward', 1],
    ]);
    const positive = expect.toSatisfy((x: unknown) => typeof x === 'number' && x > 0);
    for (const result of report.cases) {
      expect(result).toMatchObject({
        network: 'tiny-8',
        batch: 2,
        parameters: positive,
        macs: positive,
        nodes: { traced: positive, onnx: positive },
        traceMs: positive,
        sessionMs: positive,
        ms: { median: positive, min: positive, max: positive, samples: [positive, positive, positive] },
        gflops: { median: positive, best: positive },
        shareOfCeiling: { median: positive, best: positive },
        peers: [],
        notMeasured: [],
      });
      expect(result.gflops.best).toBeCloseTo((2 * result.macs) / result.ms.min / 1e6, 1);
      expect(result.peakRssMB === null || result.peakRssMB > 50).toBe(true);
    }
    const [step, , forward] = report.cases;
    expect(step.macs, 'a step costs about three passes').toBeGreaterThan(2.5 * forward.macs);
  }, 300_000);

  it.each([
    [['--round', '3'], /unknown option '--round'.*Did you mean --rounds/],
    [['--rounds', '0'], /'0' is invalid. Expected a whole number of at least 1/],
    [['--only', 'backward'], /'backward' is invalid. Allowed choices are step, forward/],
    [['--peers', 'pytorch'], /got "pytorch". There are pytorch-eager, pytorch-compile, jax, openvino, tfjs-wasm, tfjs-node, or none/],
    [['fast'], /too many arguments.*Options: --rounds, --only, --peers, --provider, --quick/],
    [['--provider', 'tpu'], /'tpu' is invalid. Allowed choices are cpu, webgpu, cuda/],
  ])('refuses %j', (args, message) => expect(() => parseFlags(command(), args)).toThrow(message));

  it('prints no JSON for flags that are wrong', async () => {
    const { code, stdout, stderr } = await bench('--rounds', 'many');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^\nbench engine: option '--rounds <integer>' argument 'many' is invalid/);
  });

  it('measures every peer that there is on the same network, and names the others with the reason', async () => {
    // Compiling for PyTorch takes minutes on a busy machine: the compiled peer computes what the eager one does, by the same program.
    const asked = PEERS.filter(({ id }) => id !== 'pytorch-compile');
    const { code, stdout, stderr } = await bench('--quick', '--rounds', '1', '--peers', asked.map(({ id }) => id).join());
    expect(code, stderr).toBe(0);
    for (const { what, peers, notMeasured } of JSON.parse(stdout).cases) {
      const names = [...peers, ...notMeasured].map(({ id }: { id: string }) => id).sort();
      expect(names).toEqual(asked.map(({ id }) => id).sort());
      for (const { reason } of notMeasured) expect(reason).toMatch(/no Python with|lacks|not installed|not usable here|does not train/);
      // From the same parameters and data: losses of a step and of twenty, and a prediction's mean square.
      for (const { id, valueDifference } of peers) expect(valueDifference, `${what} by ${id}`).toBeLessThan(1e-4);
    }
  }, 600_000);
});

describe('statistics of a bench', () => {
  it('gives the interval of a median by counting: of ten the second smallest and largest, of five all', () => {
    // P(fewer than 2 of 10 below the median) = (1 + 10) / 1024, on both sides; fewer than 1 of 5: 1 / 32.
    expect(medianInterval([10, 2, 3, 4, 5, 6, 7, 8, 9, 1])).toMatchObject({ median: 5.5, interval: [2, 9], coverage: 0.979 });
    expect(medianInterval([3, 1, 2, 5, 4])).toMatchObject({ median: 3, interval: [1, 5], coverage: 0.938 });
    expect(medianInterval([7])).toMatchObject({ median: 7, interval: [7, 7], coverage: 0 });
  });

  it('takes the best of each kind for the ceiling, whoever reached it', () => {
    const best = bestCeiling([
      { name: 'a', ceiling: { matmul: 100, convolution: 150 } },
      { name: 'b', ceiling: { matmul: 120, convolution: 90 } },
    ]);
    expect(best).toEqual({ gflops: 150, matmul: { gflops: 120, by: 'b' }, convolution: { gflops: 150, by: 'a' } });
  });
});
