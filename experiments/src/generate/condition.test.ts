import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { canny } from '@controllab/data';
import { afterAll, expect, it } from 'vitest';
import { imageSize, loadCondition } from './condition.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'condition-'));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

async function put(name: string, channels: 1 | 3 | 4, pixels: number[], width: number): Promise<string> {
  const file = path.join(directory, name);
  await sharp(Uint8Array.from(pixels), { raw: { width, height: pixels.length / channels / width, channels } })
    .png()
    .toFile(file);
  return file;
}
const size = { width: 2, height: 1 };

it('reads grey, colour and transparent images', async () => {
  const rgbOf = async (...args: Parameters<typeof put>) => [...(await loadCondition(await put(...args), 'none', size)).rgb];
  expect(await rgbOf('grey.png', 1, [10, 200], 2)).toEqual([10, 10, 10, 200, 200, 200]);
  expect(await rgbOf('colour.png', 3, [1, 2, 3, 4, 5, 6], 2)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await rgbOf('clear.png', 4, [255, 255, 255, 0, 9, 8, 7, 255], 2)).toEqual([0, 0, 0, 9, 8, 7]);
});

it('stretches to the size asked for and then finds edges', async () => {
  const file = await put('step.png', 1, [0, 255], 2);
  expect(await imageSize(file)).toEqual(size);
  const { rgb, width, height } = await loadCondition(file, 'canny', { width: 16, height: 8 });
  expect([width, height]).toEqual([16, 8]);
  const stretched = new Uint8Array(await sharp(file).toColourspace('srgb').resize(16, 8, { fit: 'fill' }).raw().toBuffer());
  const edges = canny(stretched, 16, 8);
  expect(edges.some((edge) => edge === 255)).toBe(true);
  expect([...rgb]).toEqual([...edges].flatMap((edge) => [edge, edge, edge]));
});

it('names a file that is no image', async () => {
  const file = path.join(directory, 'x.png');
  fs.writeFileSync(file, 'text');
  await expect(loadCondition(file, 'none', size)).rejects.toMatchObject({
    code: 'invalid-image',
    message: expect.stringMatching(/x\.png/),
  });
  await expect(imageSize(path.join(directory, 'none.png'))).rejects.toMatchObject({ code: 'invalid-image' });
});
