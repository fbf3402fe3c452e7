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
const near = (data: ArrayLike<number>, want: number[]): void => want.forEach((value, i) => expect(data[i]).toBeCloseTo(value / 255, 6));

it('reads grey, colour and transparent images as planes in [0, 1]', async () => {
  near((await loadCondition(await put('grey.png', 1, [10, 200], 2), 'none', size)).data, [10, 200, 10, 200, 10, 200]);
  near((await loadCondition(await put('colour.png', 3, [1, 2, 3, 4, 5, 6], 2), 'none', size)).data, [1, 4, 2, 5, 3, 6]);
  near((await loadCondition(await put('clear.png', 4, [255, 255, 255, 0, 9, 8, 7, 255], 2), 'none', size)).data, [0, 9, 0, 8, 0, 7]);
});

it('stretches to the size asked for and then finds edges', async () => {
  const file = await put('step.png', 1, [0, 255], 2);
  expect(await imageSize(file)).toEqual(size);
  const { data, shape } = await loadCondition(file, 'canny', { width: 16, height: 8 });
  expect(shape).toEqual([1, 3, 8, 16]);
  const rgb8 = new Uint8Array(await sharp(file).toColourspace('srgb').resize(16, 8, { fit: 'fill' }).raw().toBuffer());
  const edges = canny(rgb8, 16, 8);
  expect(edges.some((edge) => edge === 255)).toBe(true);
  for (let c = 0; c < 3; c++) near(data.subarray(c * 128, (c + 1) * 128), [...edges]);
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
