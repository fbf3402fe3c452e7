import { describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { startCommand } from '@controllab/command-line/testing';
import { command } from '../bench/command.ts';

const bench = (...args: string[]) => startCommand(new URL('../bench/command.ts', import.meta.url), ...args);

describe('bench', () => {
  it('prints one JSON document: cases, the ceiling and each case as a share of it', async () => {
    const { code, stdout, stderr } = await bench('--quick', '--rounds', '3');
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      peer: null,
      peerReason: 'skipped by --quick',
      machine: { threads: expect.any(Number), cpu: expect.any(String) },
      ceiling: { gflops: expect.any(Number) },
    });
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
        peer: null,
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
    [['fast'], /too many arguments.*Options: --rounds, --only, --quick/],
  ])('refuses %j', (args, message) => expect(() => parseFlags(command(), args)).toThrow(message));

  it('prints no JSON for flags that are wrong', async () => {
    const { code, stdout, stderr } = await bench('--rounds', 'many');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^\nbench engine: option '--rounds <integer>' argument 'many' is invalid/);
  });
});
