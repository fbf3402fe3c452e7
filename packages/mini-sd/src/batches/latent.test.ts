import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { vocabulary, type SceneMix } from '@controllab/emoji-scenes';
import { NoiseSchedule, splitPrediction } from '@controllab/diffusion';
import { writeLatents } from '../pretrain/latents.ts';
import { LATENT_CHANNELS, LATENT_SIZE, MINI_SCHEDULE } from '../networks/models.ts';
import latentBatches from './latent.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'latents-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ROW = LATENT_CHANNELS * LATENT_SIZE * LATENT_SIZE;

/** A pool of six scenes whose latents are `value` everywhere. */
function pool(name: string, value: number, mix: SceneMix): string {
  const file = path.join(directory, `${name}.safetensors`);
  writeLatents(file, new Float32Array(6 * ROW).fill(value), { tier: 'core', seed: 1, split: 'train', mix });
  return file;
}

describe('denoising batches', () => {
  it('come from the pool of the phase that the step lies in: its latents, its captions', async () => {
    const nothing = { largeSingle: 0, smallSingle: 0, pair: 0, row: 0 };
    const phases = [
      { from: 0, latents: pool('singles', 1, { ...nothing, largeSingle: 1 }) },
      { from: 5, latents: pool('pairs', 2, { ...nothing, pair: 1 }) },
    ];
    const batch = await latentBatches({ phases, vocabularyTier: 'core', batchSize: 4, seed: 3, promptDrop: 0 });
    const large = vocabulary('core').words.indexOf('large');
    expect(large).toBeGreaterThan(0);
    for (const [step, latent, singles] of [
      [0, 1, true],
      [4, 1, true],
      [5, 2, false],
      [900, 2, false],
    ] as const) {
      const { indices, inputs } = await batch(step);
      expect(indices.every((index) => index >= 0 && index < 6)).toBe(true);
      expect(inputs['ids']!.data.includes(large as never), `step ${step}`).toBe(singles);
      const schedule = new NoiseSchedule(MINI_SCHEDULE);
      for (let n = 0; n < 4; n++) {
        const row = (name: string) => (inputs[name]!.data as Float32Array).subarray(n * ROW, n * ROW + 8);
        const abar = schedule.alphaCumprod(Number(inputs['timesteps']!.data[n]));
        for (const x0 of splitPrediction('v', row('target'), row('noisy'), abar).x0) expect(x0).toBeCloseTo(latent, 4);
      }
    }
  });
});
