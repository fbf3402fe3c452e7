import { describe, expect, it } from 'vitest';
import { median, type Measurement, type Table } from '@controllab/report';
import { controlledInputs, denoiserOf, exampleInputs } from '../full-size/target.ts';
import { profiles, type TimedId } from './design.ts';
import { chosenProfile } from './latency.ts';
import { latencyReport, type LatencyResult } from './report.ts';
import { stepCounts } from './step.ts';

describe('profiles', () => {
  const gmacs = (profile: keyof typeof profiles, index: number, id: TimedId): number =>
    stepCounts(profiles[profile].targets[index]!, id).macs / 1e9;

  it("paper: the models at the paper's sizes", () => {
    expect(gmacs('paper', 0, 'base')).toBeCloseTo(401.637, 2);
    expect(gmacs('paper', 1, 'controlnet') - gmacs('paper', 1, 'base')).toBeCloseTo(1510.191, 2);
  });

  it('standard: methods fit the smaller sizes', () => {
    expect(gmacs('standard', 1, 'controlnext-legacy')).toBeGreaterThan(gmacs('standard', 1, 'base'));
    expect(gmacs('standard', 2, 'controlnet')).toBeGreaterThan(gmacs('standard', 2, 'controlnext'));
  });

  it('the base model sees no condition; frames and sizes reach every input', () => {
    const target = profiles.standard.targets[2]!;
    const denoiser = denoiserOf(target);
    expect(denoiser.inputs(1)).toEqual({
      sample: { shape: [1, 4, 8, 32, 64] },
      timesteps: { shape: [1] },
      context: { shape: [1, 1, 1024] },
      timeIds: { shape: [1, 3] },
    });
    const inputs = exampleInputs(controlledInputs(denoiser));
    expect(inputs['condition']!.shape).toEqual([1, 4, 3, 256, 512]);
    expect(Math.min(...inputs['context']!.data)).toBeLessThan(-1.7);
    expect([...inputs['timesteps']!.data]).toEqual([500]);
  });
});

describe('report', () => {
  /** Three rounds in which everything takes 1, 1.1 and 1.2 times as long: what a method adds is the same in each. */
  const timing = (seconds: number) =>
    [1, 1.1, 1.2].map((slow) => ({ seconds: [9, seconds * slow, 0.01], startSeconds: 4, peakBytes: 4.4e9, meanSquare: 0.25 }));
  const result: LatencyResult = {
    profile: profiles.quick,
    threads: 2,
    ceilingGflops: 200,
    notMeasured: [{ label: 'diffusers, OpenVINO', reason: 'no Python with openvino' }],
    ownModel: null,
    targets: [
      {
        family: 'sd15',
        label: 'SD1.5',
        setting: '256 × 256 pixels',
        ownWeights: false,
        methods: (
          [
            ['base', 1, 100],
            ['controlnet', 1.4, 135],
            ['controlnext', 1.1, 113],
            ['controlnext-legacy', 1.5, 137],
          ] as const
        ).map(([id, seconds, gmacs]) => ({ id, label: id, macs: gmacs * 1e9, parameters: 1e9, rounds: timing(seconds) })),
        peers: [{ id: 'torch', label: 'PyTorch eager', rounds: timing(2).map((t) => ({ ...t, library: 'PyTorch 1' })) }],
      },
    ],
  };
  const report = latencyReport(result);
  const table = (id: string): Table =>
    report.sections.flatMap(({ blocks }) => blocks).find((block): block is Table => block.kind === 'table' && block.id === id)!;
  const value = (cell: unknown): number => (typeof cell === 'number' ? cell : (cell as Measurement).value);

  it('compares medians within a round, so a machine that slows down changes no ratio', () => {
    const [, controlNet] = table('times').rows;
    expect(value(controlNet!.cells[0])).toBeCloseTo(1.54, 6);
    expect(value(controlNet!.cells[2])).toBeCloseTo(40, 6);
    expect((controlNet!.cells[2] as Measurement).interval![0]).toBeCloseTo(40, 6);
    expect(value(controlNet!.cells[3])).toBeCloseTo(35, 6);
    expect(controlNet!.cells[4]).toMatchObject({ text: '+40.9%' });
  });

  it('states speed, its share of the ceiling, memory over weights, and the ratio to PyTorch', () => {
    const [base] = table('engine').rows;
    expect(base!.cells.slice(1, 4).map(value)).toEqual([4, 4.4, 1.1]);
    expect(value(base!.cells[5])).toBeCloseTo((200 / 3) * (1 + 1 / 1.1 + 1 / 1.2), 6);
    expect(value(base!.cells[6])).toBeCloseTo(value(base!.cells[5]) / 2, 6);
    expect(value(table('peers').rows[0]!.cells[2])).toBeCloseTo(0.5, 6);
  });

  it('names the libraries that are not there', () => {
    const texts = report.sections.flatMap(({ blocks }) => blocks).flatMap((block) => (block.kind === 'prose' ? [block.text] : []));
    expect(texts).toContain('diffusers, OpenVINO: not measured, no Python with openvino.');
  });

  it('claims no more than it tests: any saving, beside the size of the paper\u2019s', () => {
    for (const { claim, rule, test } of report.claims) {
      expect(claim).toMatch(/^ControlNeXt adds less time to a step than ControlNet \(/);
      expect(rule).toEqual({ kind: 'above', bound: 0 });
      expect(test).toContain("Any saving above zero counts; the paper's two means are 31.5 points apart.");
    }
  });

  it('puts the claim to both modules', () => {
    expect(report.claims.map(({ results }) => Number(results[0]!.measured!.value.toFixed(6)))).toEqual([30, -10]);
  });
});

describe('chosenProfile', () => {
  it('keeps the base models that were asked for, and names those that there are', () => {
    expect(chosenProfile(profiles.standard, 'standard', { models: ['sd15', 'svd'] }).targets.map(({ family }) => family)).toEqual([
      'sd15',
      'svd',
    ]);
    expect(chosenProfile(profiles.quick, 'quick', {})).toEqual(profiles.quick);
    expect(() => chosenProfile(profiles.quick, 'quick', { models: ['sdxl'] })).toThrow(
      /the profile quick has no base model 'sdxl'. Its models: sd15/,
    );
  });
});

it('median of even and odd numbers of samples', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
