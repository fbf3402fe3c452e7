import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, openControl } from '@controllab/base-model';
import { writeTinyModel } from '@controllab/base-model/testing';
import { encodePng } from '@controllab/report';
import { command } from './command.ts';

/** A ControlNet of Stable Diffusion 1.5 takes 16 GB by blocks that are computed again, and 20 while it goes on from a checkpoint. */
const BYTES = 24e9;

// FULL_SIZE=1 npx vitest run experiments/src/train/full-size.test.ts: six minutes on two cores, 30 GB of disk.
describe.skipIf(process.env['FULL_SIZE'] !== '1' || os.totalmem() < BYTES)('train on a base as large as Stable Diffusion 1.5', () => {
  let root: string;
  const at = (...names: string[]): string => path.join(root, ...names);
  beforeAll(async () => {
    root = mkdtempSync(path.join(os.tmpdir(), 'full-size-'));
    writeTinyModel(at('sd'), { full: true });
    mkdirSync(at('photos'));
    for (let n = 0; n < 2; n++) {
      const rgb = Uint8Array.from({ length: 3 * 256 * 256 }, (_, i) => (i * (n + 3) + (i >> 8)) % 256);
      writeFileSync(at('photos', `${n}.png`), await encodePng(rgb, 256, 256));
      writeFileSync(at('photos', `${n}.txt`), 'a cat');
    }
  }, 1_800_000);
  afterAll(() => rmSync(root, { recursive: true }));

  const train = (out: string, ...flags: string[]) =>
    command().parseAsync(
      [
        `--base=${at('sd')}`, `--data=${at('photos')}`, '--resolution=256', '--max-train-steps=2', '--train-batch-size=1',
        '--gradient-checkpointing', '--checkpointing-steps=1', '--no-validation', `--store=${at('store')}`, `--out=${at(out)}`, ...flags,
      ],
      { from: 'user' },
    ); // prettier-ignore

  it('runs at 256 pixels, goes on to the same bytes, and what it writes opens there', async () => {
    await train('whole', '--export', 'cldm');
    // What a training leaves that was killed behind its first step.
    mkdirSync(at('again', 'checkpoints'), { recursive: true });
    const [first] = readdirSync(at('whole', 'checkpoints')).filter((name) => name.includes('00000001'));
    for (const name of ['training.json', 'log.jsonl', path.join('checkpoints', first!)]) copyFileSync(at('whole', name), at('again', name));
    await train('again');
    const weights = (out: string): Buffer => readFileSync(at(out, 'diffusion_pytorch_model.safetensors'));
    expect(weights('again').equals(weights('whole'))).toBe(true);
    for (const name of ['', 'cldm.safetensors'])
      expect(Object.keys(openControl(at('whole', name), openCheckpoint(at('sd'))).weights)).toContain(
        'control.controlnet_mid_block.weight',
      );
  }, 3_600_000);
});
