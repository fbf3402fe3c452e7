import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { matchCaptions, openImageSource, readCaptions } from '@controllab/data';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { captionsOf } from './captions.ts';
import { encodePicture } from './picture-file.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'captions-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const at = (name: string): string => path.join(folder, name);
const text = (): string => fs.readFileSync(at('captions.csv'), 'utf8');
async function put(name: string, prompt: string): Promise<void> {
  const image = { rgb: new Uint8Array(12), width: 2, height: 2 };
  fs.writeFileSync(at(name), await encodePicture(name, image, { parameters: '', command: '', more: { prompt } }));
}

it('lists every picture of ours by its prompt as it was given, and no other', async () => {
  await put('b.png', '-paper, "red"\na (large:1.5) cat');
  await put('a.png', 'café 猫');
  fs.writeFileSync(at('mine.png'), 'x');
  fs.writeFileSync(at('taken.png'), '');
  const captions = captionsOf(folder);
  await captions.check();
  await captions.write();
  expect(text()).toBe('file,caption\na.png,café 猫\nb.png,"-paper, ""red""\na (large:1.5) cat"\n');
  await put('taken.png', 'a dog');
  fs.rmSync(at('a.png'));
  await captions.write();
  expect(text()).toBe('file,caption\nb.png,"-paper, ""red""\na (large:1.5) cat"\ntaken.png,a dog\n');
  await captionsOf(folder).check();
});

it('is what evaluate reads', async () => {
  await put('a-1.png', 'a cat');
  await put('a-2.png', ' a dog');
  await captionsOf(folder).write();
  const { names } = await openImageSource(folder);
  expect(matchCaptions(folder, names, await readCaptions(at('captions.csv')))).toEqual([['a cat'], ['a dog']]);
});

it.each([
  ['file,caption\na.png,mine\n', /row 2: a\.png is no picture of ours with that prompt\); move or delete it/],
  ['file,caption\nb.png,a cat\n', /row 2: b\.png is no picture of ours/],
  ['file,caption\na.png,a cat', /cut short/],
  ['image,text\na.png,a cat\n', /its columns are not file and caption/],
  ['', /its columns are not/],
])('writes over no file of somebody else: %j', async (content, message) => {
  await put('a.png', 'a cat');
  fs.writeFileSync(at('captions.csv'), content);
  await expect(captionsOf(folder).check()).rejects.toMatchObject({ code: 'invalid-option', message: expect.stringMatching(message) });
  expect(text()).toBe(content);
});
