import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { normal, type RgbImage } from '@controllab/data';
import type { Judges } from '@controllab/mini-sd';
import { profiles } from '../../../declarations/arms.ts';
import { jobContext } from '../../../testing/job-context.ts';
import type { Drawn } from '../drawing/draw.ts';
import { storedRatings } from './raters.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'raters-'));
afterAll(() => rmSync(root, { recursive: true }));

/** One pixel of a brightness for each picture. */
const drawn = (hash: string, brightness: (i: number) => number): Drawn => ({
  hash,
  label: hash,
  images: Array.from({ length: 40 }, (_, i): RgbImage => ({ rgb: new Uint8Array(3).fill(brightness(i)), width: 1, height: 1 })),
});

let asked = 0;
const inception = {
  // Brightness among noise.
  features: (images: readonly Uint8Array[]) => {
    asked++;
    const data = Float32Array.from(images.flatMap((rgb, i) => [rgb[0]!, ...normal(1, 'noise', i, 3)]));
    return Promise.resolve({ data, shape: [images.length, 4] as [number, number] });
  },
};
const judges = { inception: () => Promise.resolve(inception), hashes: { inception: 'seen by one pixel' } } as unknown as Judges;
const setting = { at: jobContext('tiny', { ...profiles.tiny, conditions: ['depth'] }, root), judges };

it('raters are asked once of two drawings from a seed, and find what differs between pictures of the same scene', async () => {
  const [dark, bright] = [drawn('dark', (i) => 2 * i), drawn('bright', (i) => 2 * i + 6)];
  const { single, sideBySide, perSet } = await storedRatings(setting, [dark, bright], 1);
  expect(perSet).toBe(20);
  expect(single.accuracy).toBeLessThan(0.75);
  expect(sideBySide.accuracy).toBe(1);
  expect(asked).toBe(2);
  expect(await storedRatings(setting, [dark, bright], 1)).toEqual({ single, sideBySide, perSet, seed: 1 });
  expect(asked).toBe(2);
  const alike = await storedRatings(setting, [dark, { ...dark, hash: 'dark again' }], 2);
  expect([alike.single.accuracy, alike.sideBySide.accuracy, alike.seed]).toEqual([0.5, 0.5, 2]);
  expect(asked).toBe(4);
});
