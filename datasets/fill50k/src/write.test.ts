import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';
import { openUserData } from '@controllab/data';
import { fill50k } from './dataset.ts';
import { writeFill50k } from './write.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'fill50k-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

it('is written as the files of the tutorial, and reads back equal', async () => {
  const folder = path.join(root, 'deep', 'fill50k');
  const { code, stdout } = await startCommand(
    new URL('./cli/write.ts', import.meta.url),
    'fill50k',
    '--count=20',
    '--size=64',
    `--out=${folder}`,
  );
  expect([code, stdout]).toEqual([0, `Wrote 20 pictures of fill50k to ${folder}\n`]);
  const lines = fs.readFileSync(path.join(folder, 'prompt.json'), 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(20);
  expect(Object.keys(JSON.parse(lines[0]!) as object)).toEqual(['source', 'target', 'prompt']);
  const [made, read] = [fill50k({ size: 64, length: 20 }), await openUserData({ data: folder, resolution: 64 })];
  expect(read).toMatchObject({ length: 20, format: 'jsonl', conditions: ['canny', 'column'] });
  for (let i = 0; i < 20; i++) {
    const [before, after] = [await made.example(i), await read.example(i)];
    expect(Buffer.compare(after.image.rgb, before.image.rgb)).toBe(0);
    expect(Buffer.compare(after.condition('column').rgb, before.condition('source').rgb)).toBe(0);
    expect(after.captions).toEqual(before.captions);
  }
});

it('is not written over other files', async () => {
  fs.writeFileSync(path.join(root, 'mine.txt'), '');
  await expect(writeFill50k(root, { length: 1 })).rejects.toThrow(/holds other files \(mine\.txt\): name a new folder/);
  await expect(writeFill50k(path.join(root, 'mine.txt'), { length: 1 })).rejects.toThrow(/it is a file; name a folder/);
  expect(fs.readdirSync(root)).toEqual(['mine.txt']);
});
