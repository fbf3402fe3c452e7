import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readOptions, USAGE } from '../bench/options.ts';

const BENCH = fileURLToPath(new URL('../bench/bench.ts', import.meta.url));

function bench(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', BENCH, ...args]);
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, ...text }));
  });
}

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
    [['--round', '3'], "Unknown option '--round'"],
    [['--rounds', '0'], "--rounds expects a positive whole number, got '0'"],
    [['--only', 'backward'], "--only expects 'step' or 'forward', got 'backward'"],
    [['fast'], "Unexpected argument 'fast'"],
  ])('refuses %j', (args, message) => expect(() => readOptions(args)).toThrow(message));

  it('says which flags there are, and prints no JSON', async () => {
    const { code, stdout, stderr } = await bench('--rounds', 'many');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`--rounds expects a positive whole number, got 'many'\n${USAGE}\n`);
  });

  it('takes five rounds by default', () => {
    expect(readOptions([])).toEqual({ rounds: 5, only: null, quick: false });
    expect(readOptions(['--only=step', '--rounds=3'])).toEqual({ rounds: 3, only: 'step', quick: false });
  });
});
