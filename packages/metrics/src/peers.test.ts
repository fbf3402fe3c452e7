import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { writeSafetensors } from '@controllab/core-blocks';
import { madeUpInception } from '../bench/inception-weights.ts';
import { evaluateOptions, type EvaluateFlags } from './cli/evaluate-options.ts';
import { runEvaluate } from './cli/run-evaluate.ts';
import { depthRmse } from './fidelity/depth.ts';
import { psnr } from './fidelity/psnr.ts';
import { segmentationAgreement } from './fidelity/segmentation.ts';
import { msSsim, ssim } from './fidelity/ssim.ts';

// All numbers by fixtures/make/metric_peers.py, from the same pictures and weights.

/** Triangle waves of whole numbers, of another period and direction in every channel and picture. */
function picture(seed: number, width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [k, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return Math.abs(((Math.floor(((seed * 29 + 7) * x) / (1 + k)) + (seed * 17 + 5) * y + 83 * k * seed) % 510) - 255);
  });
}

describe('evaluate', () => {
  let root: string;
  beforeAll(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'peers-'));
    writeSafetensors(path.join(root, 'fid_inception.safetensors'), madeUpInception());
    for (const [set, first] of [
      ['generated', 0],
      ['reference', 7],
    ] as const) {
      fs.mkdirSync(path.join(root, set));
      for (let i = 0; i < 10; i++) {
        const [width, height] = i % 2 === 0 ? ([64, 48] as const) : ([400, 310] as const);
        await sharp(picture(first + i, width, height), { raw: { width, height, channels: 3 } })
          .png()
          .toFile(path.join(root, set, `${i}.png`));
      }
    }
  });
  afterAll(() => fs.rmSync(root, { recursive: true }));

  it.each([
    ['torch-fidelity 0.4.0', 'tf1', { FID: 376.381316, KID: 8.92686844, IS: 1.05107205, Precision: 0.7, Recall: 0.5 }],
    ['torchmetrics 1.9.0', 'torchmetrics', { FID: 375.960144, KID: 8.31179428, IS: 1.05911958 }],
    ['clean-fid 0.1.35', 'clean', { FID: 243.569748, KID: 8.16026592 }],
    ['clean-fid 0.1.35, legacy_pytorch', 'pytorch-fid', { FID: 378.778352, KID: 9.03530312 }],
  ])('gives the numbers of %s as --preset %s', async (_, preset, want) => {
    const flags = [`--generated=${root}/generated`, `--reference=${root}/reference`, `--weights=${root}`, `--report=${root}/report`];
    const asked = [...flags, '--metrics=fid,kid,prdc,is', `--preset=${preset}`];
    await runEvaluate(parseFlags<EvaluateFlags>(evaluateOptions(), asked), 'test');
    const { metrics } = JSON.parse(fs.readFileSync(`${root}/report/results.json`, 'utf8')) as { metrics: Record<string, number> };
    for (const [quantity, value] of Object.entries(want)) {
      const [, got] = Object.entries(metrics).find(([name]) => name.endsWith(`, ${preset}/${quantity}`))!;
      // Theirs are of features in float32, ours too, but not by the same products.
      expect(Math.abs(got / value - 1), quantity).toBeLessThan(3e-6);
    }
  });
});

describe('scores of pairs', () => {
  const [width, height] = [190, 180];
  const first = picture(3, width, height);
  const fifth = picture(5, width, height);
  const second = first.map((byte, i) => Math.floor((byte * 3) / 4) + Math.floor(fifth[i]! / 5));
  const [a, b] = [first, second].map((data) => ({ data, width, height })) as [never, never];

  it('gives the SSIM and the PSNR of torchmetrics', () => {
    // Of the windows inside of the picture: it also counts those that reach into a mirrored border, which give 0.925925734.
    expect(ssim(a, b, { range: 255 })).toBeCloseTo(0.926211703, 8);
    // There its coarsest scale does so too.
    expect(msSsim(a, b, { range: 255 })).toBeCloseTo(0.964343579, 4);
    expect(psnr(a, b, { range: 255 })).toBeCloseTo(20.2957992, 5);
  });

  it('gives the root mean squared error and the mean IoU of torchmetrics', () => {
    const red = (pixels: Uint8Array) => pixels.filter((_, i) => i % 3 === 0);
    const channels = [0, 1, 2].map((k) => {
      const of = (pixels: Uint8Array) => ({ data: pixels.filter((_, i) => i % 3 === k), width, height });
      return depthRmse(of(first), of(second)) ** 2;
    });
    expect(Math.sqrt(channels.reduce((sum, x) => sum + x, 0) / 3)).toBeCloseTo(24.6462127, 6);
    const labels = (pixels: Uint8Array, ignored: number) =>
      red(pixels).map((byte, i) => (i < ignored * width ? 255 : Math.floor(byte / 40)));
    const maps = { predicted: { data: labels(first, 0), width, height }, target: { data: labels(second, 9), width, height } };
    expect(segmentationAgreement([maps], { classes: 7, ignore: 255 }).datasetMiou).toBeCloseTo(0.321606636, 6);
  });
});
