import { describe, expect, it } from 'vitest';
import type { Block, LineFigure, Table } from '@controllab/report';
import { stagePage, type StageReport } from './stage-report.ts';

/** 401 steps whose loss is their number; ten of 5e8 multiplications were timed, in two seconds. */
const report = (change: Partial<StageReport> = {}): StageReport => ({
  part: 'vae',
  title: 'An autoencoder',
  tier: 'core',
  seed: 7,
  recipe: { batchSize: 16, totalSteps: 401, peak: 1e-3, warmup: 0 },
  trained: {
    weights: null,
    macsPerStep: 5e8,
    result: {
      status: 'finished',
      step: 401,
      resumedFrom: null,
      checkpoint: null,
      state: {},
      losses: Array.from({ length: 401 }, (_, i) => ({ step: i + 1, loss: i + 1 })),
      evaluations: [],
      timing: { steps: 10, samples: 160, seconds: 2, samplesPerSecond: 80, waitShare: 0 },
    },
  },
  quality: {},
  ...change,
});

const blocks = (change: Partial<StageReport> = {}, ceiling = 20): Block[] =>
  stagePage(report(change), ceiling).sections.flatMap((section) => [...section.blocks]);
const throughput = (change?: Partial<StageReport>) =>
  (blocks(change).find((block) => 'id' in block && block.id === 'throughput') as Table).rows[0]!.cells;

describe('stagePage', () => {
  it('draws the loss as means of as many steps as give 200 points', () => {
    const { caption, series } = blocks().find((block): block is LineFigure => block.kind === 'line')!;
    expect(caption).toBe('Training loss, mean of 2 steps a point.');
    const [{ x, y, n, seeds }] = series as [(typeof series)[0]];
    expect([x.length, y.length, n, seeds]).toEqual([200, 200, 32, [7]]);
    expect([x[0], y[0], x[199], y[199]]).toEqual([2, 1.5, 400, 399.5]);
  });

  it('holds throughput against the ceiling: two operations a multiplication', () => {
    expect(throughput()).toEqual(['80', '5', '20', '0.25', 401 * 16]);
    const { trained } = report();
    expect(throughput({ trained: { ...trained, macsPerStep: NaN } })).toEqual(['80', 'not measured', '20', 'not measured', 401 * 16]);
  });

  it('shows what was measured, or who measures it', () => {
    const quality = { 'PSNR in dB, val-combination': 31.23456, 'PSNR in dB, val-object': 30 };
    expect(blocks({ quality })[0]).toMatchObject({
      id: 'quality-values',
      rows: [
        { label: 'PSNR in dB, val-combination', cells: [31.2346] },
        { label: 'PSNR in dB, val-object', cells: [30] },
      ],
    });
    const { takeaway, summary } = stagePage(report({ quality }), 20);
    expect(takeaway).toBe('PSNR in dB, val-combination: 31.235; PSNR in dB, val-object: 30');
    expect(summary).toBe('401 steps of 16; weights in `vae.safetensors`.');
    expect(blocks()[0]).toEqual({ kind: 'prose', text: 'Measured by `mini-sd:evaluate`.' });
    expect(stagePage(report(), 20).takeaway).toBe('An autoencoder: trained.');
  });
});
