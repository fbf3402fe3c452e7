import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command } from 'commander';
import { openBase } from '@controllab/mini-sd';
import { encodePng } from '@controllab/report';
import { deliverSignalsOnce } from '../runner/signals.ts';
import { bucketStepOf } from './buckets.ts';
import { command } from './command.ts';

/** Nine wide pictures, four tall ones, and one square. */
const SIZES = [...Array(9).fill([90, 54]), ...Array(4).fill([30, 75]), [50, 50]] as [number, number][];

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'buckets-'));
  mkdirSync(at('photos'));
  for (const [i, [width, height]] of SIZES.entries()) {
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, p) => (p * (i + 3) + ((p * p) >> 5)) % 256);
    writeFileSync(at('photos', `${i}.png`), await encodePng(rgb, width, height));
    writeFileSync(at('photos', `${i}.txt`), 'a large owl on a red background');
  }
  deliverSignalsOnce();
});
afterAll(() => rmSync(root, { recursive: true }));

const train = (...flags: string[]): Promise<Command> =>
  command().parseAsync(
    [`--data=${at('photos')}`, `--store=${at('store')}`, '--train-batch-size=2', '--threads=1', '--aspect-buckets', ...flags],
    { from: 'user' },
  );

const weightsOf = (out: string): string =>
  createHash('sha256')
    .update(readFileSync(at(out, 'diffusion_pytorch_model.safetensors')))
    .digest('hex');

describe('train --aspect-buckets', () => {
  it('sees every picture in an epoch, by batches of one size each, and goes on where it was to the same bytes', async () => {
    const flags = ['--max-train-steps=6', '--checkpointing-steps=3', '--learning-rate=1e-3'];
    await train(...flags, '--validation-steps=6', '--validation-inference-steps=1', `--out=${at('whole')}`);
    // Pictures of the largest bucket are drawn, at its size.
    const png = readFileSync(at('whole', 'validation', 'step-00000006-1.png'));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([80, 48]);
    expect(JSON.parse(readFileSync(at('whole', 'training.json'), 'utf8'))).toMatchObject({
      identity: { size: [{ width: 80, height: 48 }, { width: 32, height: 96 }, { width: 64, height: 64 }] },
    }); // prettier-ignore
    // What a training leaves that was killed behind its third step.
    mkdirSync(at('again', 'checkpoints'), { recursive: true });
    writeFileSync(at('again', 'training.json'), readFileSync(at('whole', 'training.json')));
    const [third] = readdirSync(at('whole', 'checkpoints')).filter((name) => name.includes('00000003'));
    writeFileSync(at('again', 'checkpoints', third!), readFileSync(at('whole', 'checkpoints', third!)));
    writeFileSync(at('again', 'log.jsonl'), readFileSync(at('whole', 'log.jsonl')));
    await train(...flags, '--no-validation', `--out=${at('again')}`);
    expect(weightsOf('again')).toBe(weightsOf('whole'));
  }, 600_000);

  it('counts its buckets and steps before anything is trained', async () => {
    const said: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: string | Uint8Array) => (said.push(String(text)), true);
    try {
      await train('--dry-run', `--out=${at('dry')}`);
    } finally {
      process.stdout.write = write;
    }
    // ceil(9 / 2) + ceil(4 / 2) + ceil(1 / 2) batches of an epoch.
    expect(said.join('')).toMatch(/all 8 steps/);
    expect(said.join('')).toMatch(/80 x 48 \(9 pictures\), 32 x 96 \(4 pictures\), 64 x 64 \(1 picture\)/);
    expect(said.join('')).toMatch(/steps that are compiled, one a bucket +3/);
  }, 600_000);

  it.each([
    [['--bucket-step=24'], /takes sides that are multiples of 16 pixels; --bucket-step is 24/],
    [['--data=fill50k'], /is of squares, which are one bucket: leave --aspect-buckets out/],
    [['--resolution=8'], /multiples of a whole number from 1 to the resolution, 8; got 16/],
  ])('%j is refused by name', async (flags, message) => {
    await expect(train(...flags, `--out=${at('refused')}`)).rejects.toThrow(message);
  });

  it('takes sides that the base’s latents and the halvings of its U-Net divide', async () => {
    expect(bucketStepOf(await openBase('mini'))).toBe(16);
  });
});
