import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../dataset.ts';
import { firstExamples } from '../datasets/first-examples.ts';
import { writeUserFormats } from '../testing/user-formats.ts';
import { openUserData } from './user-data.ts';

const [WIDTH, HEIGHT, COUNT] = [40, 30, 12];
const CAPTIONS = Array.from({ length: COUNT }, (_, i) => (i === 3 ? 'a "quoted" dog,\nin two lines' : `picture ${i}, ünïcode`));

let root: string;
let opened: Readonly<Record<string, string>>;
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'user-data-'));
  const picture = (seed: number): Promise<Buffer> =>
    sharp(Buffer.from(Array.from({ length: WIDTH * HEIGHT * 3 }, (_, p) => (p * (seed + 3) + ((p * p) >> 4)) % 256)), {
      raw: { width: WIDTH, height: HEIGHT, channels: 3 },
    })
      .png()
      .toBuffer();
  const numbers = CAPTIONS.map((_, i) => i);
  opened = await writeUserFormats(root, {
    captions: CAPTIONS,
    pictures: await Promise.all(numbers.map((i) => picture(i))),
    conditions: await Promise.all(numbers.map((i) => picture(i + 50))),
  });
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const FOLDERS = ['folder', 'csv', 'jsonl', 'imagefolder'];
const NAMES = [
  ...FOLDERS,
  ...FOLDERS.map((format) => `${format} in zip`),
  ...FOLDERS.map((format) => `${format} in tar`),
  ...['parquet', 'parquet in parts', 'webdataset', 'webdataset by range', 'webdataset by star'],
];

it('is tried in every format', () => expect(Object.keys(opened).sort()).toEqual([...NAMES].sort()));

describe.each(NAMES)('%s', (name) => {
  it('has the same examples under the same hash', async () => {
    const reference = await openUserData({ data: opened['csv']!, resolution: 16 });
    const data = await openUserData({ data: opened[name]!, resolution: 16 });
    expect(data).toMatchObject({
      format: name.split(' ')[0],
      length: COUNT,
      rows: COUNT,
      problems: [],
      conditions: ['canny', 'column'],
      hash: reference.hash,
    });
    const again = await openDataset(JSON.parse(JSON.stringify(data.reference)) as typeof data.reference);
    expect(again.hash).toBe(data.hash);
    for (const one of [data, again]) {
      for (const [i, example] of (await firstExamples(one)).entries()) {
        const expected = await reference.example(i);
        expect(example.image).toEqual(expected.image);
        expect(example.captions).toEqual({ caption: CAPTIONS[i] });
        expect(example.condition('column')).toEqual(expected.condition('column'));
        expect(example.condition('canny')).toEqual(expected.condition('canny'));
      }
    }
  });
});
