import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import openFolder from '../examples/folder.ts';
import { canny } from './conditions/canny.ts';
import { openDataset } from './dataset.ts';
import { greyImage } from './images/grey-image.ts';
import * as api from './index.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');

describe('README', () => {
  it('shows the example as it is, in a screenful', () => {
    const code = readFileSync(at('examples/folder.ts'), 'utf8');
    expect(/```ts\n([^]*?)```/.exec(readme)![1]).toBe(code);
    expect(code.split('\n').length).toBeLessThan(30);
  });

  it('describes what a dataset is made with', () => {
    for (const name of ['openDataset', 'firstExamples', 'checkIndex']) {
      expect(Object.keys(api)).toContain(name);
      expect(readme).toContain(`| \`${name}(`);
    }
  });
});

describe('the example', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'folder-'));
  const folder = path.join(directory, 'pictures');
  const red = { create: { width: 6, height: 4, channels: 3, background: '#f00' } } as const;
  beforeAll(async () => {
    mkdirSync(folder);
    const blue = await sharp({ create: { width: 3, height: 4, channels: 3, background: '#00f' } })
      .png()
      .toBuffer();
    await sharp(red)
      .composite([{ input: blue, left: 0, top: 0 }])
      .png()
      .toFile(path.join(folder, 'half-blue.png'));
    await sharp(red).png().toFile(path.join(folder, 'all-red.png'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('gives pictures, captions and edges, and opens again', async () => {
    const pictures = await openFolder(folder);
    expect(pictures).toMatchObject({ id: 'pictures', length: 2, conditions: ['canny'] });
    const [first, second] = await api.firstExamples(pictures);
    expect([first!.captions['caption'], second!.captions['caption']]).toEqual(['all red', 'half blue']);
    const { rgb } = second!.image;
    expect(second!.condition('canny')).toEqual(greyImage(canny(rgb, 6, 4), { width: 6, height: 4 }));
    expect(second!.condition('canny').rgb).toContain(255);
    expect(() => second!.condition('depth')).toThrow('pictures has no condition "depth"; it has canny');
    await expect(pictures.example(2)).rejects.toThrow("pictures: expected an example's number from 0 to 1, got 2");
    expect((await openDataset(structuredClone(pictures.reference))).hash).toBe(pictures.hash);
  });

  it('has another hash when a picture changes', async () => {
    const before = (await openFolder(folder)).hash;
    writeFileSync(path.join(folder, 'all-red.png'), readFileSync(path.join(folder, 'half-blue.png')));
    expect((await openFolder(folder)).hash).not.toBe(before);
  });
});
