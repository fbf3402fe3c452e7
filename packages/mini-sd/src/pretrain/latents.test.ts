import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { trainingMix } from '@controllab/emoji-scenes';
import { readLatents, trainingLatents } from './latents.ts';
import { miniVae } from '../networks/models.ts';
import { loadWeights } from '../weights.ts';

it('a training pool is encoded into a folder that is not there yet, normalised, and found again', async () => {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'latents-'));
  try {
    const directory = path.join(parent, 'runs', 'mini-sd');
    const vae = loadWeights('vae', 'core', miniVae());
    const source = { tier: 'core', seed: 7, split: 'train', mix: trainingMix } as const;
    const file = await trainingLatents(directory, vae, source, 64);
    expect(existsSync(file)).toBe(true);
    const { count, latents, source: stored } = readLatents(file);
    expect({ count, stored }).toEqual({ count: 64, stored: source });
    const mean = latents.reduce((sum, x) => sum + x, 0) / latents.length;
    const variance = latents.reduce((sum, x) => sum + (x - mean) ** 2, 0) / latents.length;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(variance - 1)).toBeLessThan(0.3);
    expect(await trainingLatents(directory, vae, source, 64)).toBe(file);
  } finally {
    rmSync(parent, { recursive: true });
  }
});
