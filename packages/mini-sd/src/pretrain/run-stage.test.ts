import { beforeEach, expect, it, vi } from 'vitest';
import { Module, Parameter } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { saveWeights } from '../weights.ts';
import { runStage, type Stage } from './run-stage.ts';
import { writeStageReport } from './stage-report.ts';
import { trainStage, type TrainedStage } from './stage.ts';

// Weights and report would take the committed ones' places.
vi.mock('../weights.ts', () => ({ saveWeights: vi.fn() }));
vi.mock('./stage-report.ts', () => ({ stageReportFolder: vi.fn(), writeStageReport: vi.fn() }));
vi.mock('./stage.ts', () => ({ trainStage: vi.fn() }));
vi.mock('@controllab/report', () => ({ checkReportFolder: vi.fn() }));

class Seven extends Module {
  readonly three = new Parameter([3], 'zeros');
  readonly four = new Parameter([2, 2], 'zeros');
}

const weights: Record<string, HostTensor> = { w: { data: Float32Array.of(1), shape: [1] } };
const trained = (kept: typeof weights | null): TrainedStage =>
  ({ weights: kept, macsPerStep: 1, result: { status: kept === null ? 'interrupted' : 'finished' } }) as TrainedStage;
const recipe = { batchSize: 2, totalSteps: 4, peak: 1, warmup: 0 };
const stage = (change: Partial<Stage>): Stage => ({ part: 'vae', title: 'A part', recipe, module: new Seven(), ...change }) as Stage;
const options = { directory: 'nowhere', tier: 'core', seed: 9 } as const;
/** What happened, in order. */
let done: string[];

beforeEach(() => {
  done = [];
  vi.mocked(trainStage).mockReset().mockResolvedValue(trained(weights));
  vi.mocked(saveWeights)
    .mockReset()
    .mockImplementation(() => void done.push('saved'));
  vi.mocked(writeStageReport)
    .mockReset()
    .mockImplementation(async () => void done.push('reported'));
});

const measuring = (name: string) => async () => {
  done.push(name);
  return { quality: { [name]: 0.5 } };
};

it('stores what was measured of the weights with them, behind what made them', async () => {
  const metadata = (kept: typeof weights) => ({ statistics: String(kept['w']!.data[0]) });
  const result = await runStage(stage({ metadata, measure: measuring('measured') }), options);
  expect(result.status).toBe('finished');
  expect(done).toEqual(['measured', 'saved', 'reported']);
  const [part, tier, tensors, stored] = vi.mocked(saveWeights).mock.calls[0]!;
  expect([part, tier, tensors]).toEqual(['vae', 'core', weights]);
  expect(Object.entries(stored)).toEqual([
    ['recipe', '{"batchSize":2,"totalSteps":4,"peak":1,"warmup":0}'],
    ['seed', '9'],
    ['parameters', '7'],
    ['statistics', '1'],
    ['quality', '{"measured":0.5}'],
  ]);
  expect(vi.mocked(writeStageReport).mock.calls).toEqual([
    [{ part: 'vae', title: 'A part', tier: 'core', seed: 9, recipe, trained: trained(weights), quality: { measured: 0.5 } }],
  ]);
});

it('measures what is drawn with stored weights when they are stored', async () => {
  await runStage(stage({ measureStored: measuring('drawn'), drawings: ['noto'] }), options);
  expect(done).toEqual(['saved', 'drawn', 'reported']);
  expect(Object.keys(vi.mocked(saveWeights).mock.calls[0]![3])).toEqual(['recipe', 'seed', 'parameters']);
  expect(vi.mocked(writeStageReport).mock.calls[0]![0]).toMatchObject({ quality: { drawn: 0.5 }, drawings: ['noto'] });
});

it('reports a part of which nothing is measured', async () => {
  await runStage(stage({}), options);
  expect(vi.mocked(writeStageReport).mock.calls[0]![0]).toMatchObject({ quality: {} });
});

it('keeps nothing of a run that was interrupted', async () => {
  vi.mocked(trainStage).mockResolvedValue(trained(null));
  const result = await runStage(stage({ measure: measuring('measured') }), options);
  expect(result.status).toBe('interrupted');
  expect(done).toEqual([]);
});
