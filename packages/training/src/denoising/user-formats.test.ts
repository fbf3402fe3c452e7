import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openUserData, type RgbImage } from '@controllab/data';
import { writeUserFormats } from '@controllab/data/testing/user-formats';
import { encodePng } from '@controllab/report';
import denoisingBatches from './batches.ts';
import { latentPool } from './latent-pool.ts';

const CAPTIONS = Array.from({ length: 12 }, (_, i) => (i === 5 ? 'an ünï "quoted" dog,\nin two lines' : `picture ${i}`));

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'user-formats-'))));
afterAll(() => rmSync(root, { recursive: true }));

/** Waves of another size in each picture. */
const picture = (seed: number): Promise<Buffer> => {
  const [width, height] = [36 + seed, 30];
  return encodePng(
    Uint8Array.from({ length: width * height * 3 }, (_, p) => (p * (seed + 3) + ((p * p) >> 4)) % 256),
    width,
    height,
  );
};

/** In an encoder's place: every eighth pixel. */
const encode = async (images: readonly RgbImage[]) => ({
  data: Float32Array.from({ length: images.length * 9 }, (_, i) => images[Math.floor(i / 9)]!.rgb[(i % 9) * 24]! / 255),
  shape: [images.length, 1, 3, 3],
});

/** A checksum of everything that five steps are fed, two micro-batches of two each, through an epoch's end. */
async function fed(data: string, label: string): Promise<string> {
  const dataset = await openUserData({ data, resolution: 24 });
  const latents = path.join(root, `${label}.safetensors`);
  await latentPool(latents, { dataset, examples: CAPTIONS.length, encoder: 'none', encode, say: () => {} });
  const batch = await denoisingBatches({
    phases: [{ from: 0, latents, dataset: dataset.reference }],
    tokenizer: { module: new URL('../testing/letter-tokenizer.ts', import.meta.url).href, data: { length: 20 } },
    schedule: { schedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012, trainTimesteps: 1000 },
    prediction: 'epsilon',
    recipe: { batchSize: 2, accumulation: 2, promptDrop: 0.3, timesteps: 'uniform', order: 'epochs' },
    seed: 7,
    condition: 'column',
  });
  const hash = createHash('sha256');
  for (let step = 0; step < 5; step++) {
    const { indices, inputs } = await batch(step);
    hash.update(indices.join());
    for (const [name, { data: values, shape }] of Object.entries(inputs)) hash.update(`${name} ${shape.join()}`).update(values);
  }
  await dataset.close();
  return hash.digest('hex');
}

it('a training is fed the same bytes whatever format its data is in', async () => {
  const opened = await writeUserFormats(path.join(root, 'data'), {
    captions: CAPTIONS,
    pictures: await Promise.all(CAPTIONS.map((_, i) => picture(i))),
    conditions: await Promise.all(CAPTIONS.map((_, i) => picture(i))),
  });
  const sums: Record<string, string> = {};
  for (const [name, data] of Object.entries(opened)) sums[name] = await fed(data, name);
  const expected = sums['csv']!;
  expect(sums).toEqual(Object.fromEntries(Object.keys(opened).map((name) => [name, expected])));
  expect(Object.keys(sums).length).toBe(17);
});
