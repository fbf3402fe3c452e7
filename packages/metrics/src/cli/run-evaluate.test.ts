import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { writeSafetensors } from '@controllab/core-blocks';
import { Progress } from '@controllab/report';
import { madeUpInception } from '../../bench/inception-weights.ts';
import { readStatistics } from '../statistics-files/statistics-file.ts';
import { checkedFlags, evaluateOptions, type EvaluateFlags } from './evaluate-options.ts';
import { runEvaluate } from './run-evaluate.ts';

const evaluateFlags = (flags: readonly string[]) => checkedFlags(parseFlags<EvaluateFlags>(evaluateOptions(), flags));

let root: string;
const at = (name: string) => path.join(root, name);
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'run-evaluate-'));
  writeSafetensors(at('fid_inception.safetensors'), madeUpInception());
  for (const [folder, count] of [
    ['generated', 3],
    ['reference', 4],
  ] as const) {
    fs.mkdirSync(at(folder));
    for (let i = 0; i < count; i++) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><rect width="64" height="48" fill="hsl(${i * 50} 60% 60%)"/><circle cx="${10 + 6 * i}" cy="24" r="${4 + i}" fill="${folder === 'generated' ? 'navy' : 'gold'}"/></svg>`;
      await sharp(Buffer.from(svg))
        .png()
        .toFile(at(`${folder}/${i}.png`));
    }
  }
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const run = (...flags: string[]) => {
  let log = '';
  const done = runEvaluate(
    evaluateFlags([`--generated=${at('generated')}`, `--report=${at('report')}`, ...flags]),
    'test',
    new Progress({
      write: (text: string) => {
        log += text;
      },
    }),
  );
  return done.then((page) => ({ page, log }));
};

interface Results {
  sections: { blocks: { id: string; columns?: { label: string }[]; rows?: { cells: unknown[] }[] }[] }[];
  provenance: { weightsHash: string };
}
/** The numbers of a table by column. */
function table(id: string): Record<string, unknown> {
  const { sections } = JSON.parse(fs.readFileSync(at('report/results.json'), 'utf8')) as Results;
  const { columns, rows } = sections.flatMap(({ blocks }) => blocks).find((block) => block.id === id)!;
  return Object.fromEntries(columns!.map(({ label }, i) => [label, rows![0]!.cells[i]]));
}

describe('runEvaluate', () => {
  it('goes from images and weights to a report, and from kept statistics to the same distance', async () => {
    const weights = `--weights=${root}`;
    const { page, log } = await run(
      `--reference=${at('reference')}`,
      weights,
      '--metrics=fid,is',
      '--preset=pytorch-fid',
      '--batch=4',
      `--save-reference=${at('kept.safetensors')}`,
    );
    expect(page).toBe(at('report/index.html'));
    expect(fs.readFileSync(page, 'utf8')).toContain('3 generated images against 4 reference images');
    expect(log.split('\n')).toEqual(
      expect.arrayContaining([
        'generated images: 3 of 3',
        'reference images: 4 of 4',
        '3 generated images read',
        '4 reference images read',
        expect.stringMatching(/^FID \(inception, pytorch-fid\): \d/),
      ]) as unknown as string[],
    );
    const distance = table('distance-scores')['FID'] as number;
    expect(distance).toBeGreaterThan(0);
    expect(table('inception-score-scores')['IS']).toBeGreaterThanOrEqual(1);

    expect(readStatistics(at('kept.safetensors'))).toMatchObject({
      n: 4,
      provenance: { network: 'inception', preset: 'pytorch-fid', dtype: 'float32' },
    });
    await run(`--reference=${at('kept.safetensors')}`, weights, '--metrics=fid', '--preset=pytorch-fid', '--batch=8');
    expect((table('distance-scores')['FID'] as number) / distance).toBeCloseTo(1, 4);
  });

  it('holds images against the maps that they were conditioned on', async () => {
    const { log } = await run('--metrics=edges', `--condition=${at('generated')}`);
    expect(log).toMatch(/Edge F1 \(1 px\) \(Canny 100\/200\): 0\.\d+ \[0\.\d+, [01](\.\d+)?\]/);
    await expect(run('--metrics=edges')).rejects.toThrow('--condition FOLDER');
    await expect(run('--metrics=depth', `--condition=${at('generated')}`)).rejects.toThrow('--predicted FOLDER');
  });

  it('says what is wrong before it loads a network', async () => {
    const reference = `--reference=${at('reference')}`;
    await expect(run(reference, '--preset=cleen')).rejects.toThrow(
      'there is no preset "cleen"; there are pytorch-fid, clean, tf1, torchmetrics',
    );
    await expect(run(reference, '--metrics=clip')).rejects.toThrow('clip needs captions');
    await expect(run(reference, '--metrics=aesthetic', '--clip=ViT-Z')).rejects.toThrow('there is no CLIP "ViT-Z"; there are ViT-B/32');
    await expect(run(reference, '--metrics=aesthetic', '--clip=ViT-B/32')).rejects.toThrow(
      '--clip ViT-B/32 needs its weights: --weights clip=FILE.safetensors',
    );
    await expect(run(reference, '--metrics=aesthetic', `--weights=${root}`)).rejects.toThrow(
      /CLIP ViT-L\/14 needs the weights "clip", and clip-vit-large-patch14\.safetensors is not in .*npx nx run metrics:fetch clip/s,
    );
    await expect(run('--metrics=fid')).rejects.toThrow('fid needs a reference');
    await expect(run('--metrics=is', `--report=${at('generated')}`)).rejects.toMatchObject({ code: 'foreign-files' });
    await expect(run(reference, '--metrics=fid', '--network=x.onnx')).rejects.toThrow(
      '--network needs to know its input: --preset dinov2, or --input-size',
    );
    await expect(run(reference, '--metrics=fid', '--network=x.onnx', '--preset=clean')).rejects.toThrow(
      'there is no preset "clean" for an ONNX network; there are dinov2',
    );
    await expect(run(reference, '--metrics=kid', '--save-reference=x')).rejects.toThrow('--save-reference keeps what fid gathers');
  });
});

describe('the flags', () => {
  it.each([
    [['--metrics=fid,kit'], /there is no metric "kit"; there are fid, kid, prdc/],
    [['--generatde=x'], /unknown option '--generatde' \(Did you mean --generated\?\)/],
    [[], /required option '--generated <path>' not specified/],
    [['--generated=x', '--metric=fid'], /unknown option '--metric' \(Did you mean --metrics\?\) Options: --generated/],
    [['--generated=x', '--provider=gpu'], /choices are cpu, webgpu, cuda/],
    [['--generated=x', '--batch=0'], /whole number of at least 1/],
    [['--generated=x', '--aesthetic=v3'], /choices are v1, v2/],
    [['--generated=x', '--network=n.onnx', '--input-mean=1,2', '--input-size=8'], /Expected three numbers/],
    [['--generated=x', '--network=n.onnx', '--input-size=8'], /takes all three: --input-size, --input-mean and --input-std/],
    [['--generated=x', '--input-size=8'], /describe the network of --network/],
    [
      ['--generated=x', '--network=n.onnx', '--preset=dinov2', '--input-size=8', '--input-mean=0,0,0', '--input-std=1,1,1'],
      /give either --preset or/,
    ],
    [['--generated=x', 'y'], /too many arguments/],
  ])('%j', (flags, message) => {
    expect(() => evaluateFlags(flags)).toThrow(message);
  });
});
