import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../dataset.ts';
import { firstExamples } from '../datasets/first-examples.ts';
import { writeFiles, writeUserFormats } from '../testing/user-formats.ts';
import { zipOf } from '../testing/zip.ts';
import { tarOf } from '../testing/archives.ts';
import { findRows } from './find-rows.ts';
import { CHECKED_ROWS, openUserData } from './user-data.ts';

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

describe('of more rows than are all read, the hash', () => {
  const square = (level: number): Promise<Buffer> =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: level, g: 0, b: 0 } } })
      .png()
      .toBuffer();

  it('is another one when one of their pictures is', async () => {
    const folder = path.join(root, 'many');
    fs.mkdirSync(folder);
    const count = CHECKED_ROWS + 2;
    const [one, other] = [await square(10), await square(20)];
    expect(other.length).toBe(one.length);
    for (let i = 0; i < count; i++) fs.writeFileSync(path.join(folder, `${i}.png`), one);
    const hash = async (): Promise<string> => (await openUserData({ data: folder, resolution: 8, captions: 'none' })).hash;
    const first = await hash();
    const read = new Set(Array.from({ length: CHECKED_ROWS }, (_, i) => Math.floor((i * count) / CHECKED_ROWS)));
    const unread = Array.from({ length: count - 1 }, (_, i) => i).find((i) => !read.has(i))!;
    fs.writeFileSync(path.join(folder, `${unread}.png`), other);
    expect(await hash()).not.toBe(first);
  });

  it('is of what files hold, not of when or where they were written or what lies beside them', async () => {
    const [one, other] = [await square(10), await square(20)];
    const files = { 'a.png': one, 'a.txt': 'one', 'a.condition.png': one, 'b.png': one, 'b.txt': 'two', 'b.condition.png': one };
    const written = async (name: string, own: Record<string, Buffer | string>) => {
      const folder = writeFiles(path.join(root, name), own);
      fs.utimesSync(path.join(folder, 'a.png'), 1000, name.length);
      const entries = Object.entries(own).map(([file, data]) => ({ name: file, data: Buffer.from(data) }));
      fs.writeFileSync(path.join(root, `${name}.zip`), zipOf(entries));
      fs.writeFileSync(path.join(root, `${name}.tar`), await tarOf(entries));
      return [folder, `${folder}.zip`, `${folder}.tar`];
    };
    const digests = (all: readonly string[], format: 'folder' | 'csv'): Promise<string[]> =>
      Promise.all(all.map(async (data) => (await findRows({ data, format, resolution: 8 })).digest()));
    const first = await digests(await written('first', files), 'folder');
    expect(await digests(await written('copied', { ...files, 'notes.md': 'x' }), 'folder')).toEqual(first);
    for (const change of [{ 'b.png': other }, { 'b.condition.png': other }, { 'b.txt': 'six' }])
      for (const [i, digest] of (await digests(await written(Object.keys(change)[0]!, { ...files, ...change }), 'folder')).entries())
        expect(digest).not.toBe(first[i]);
    const table = { 'a.png': one, 'b.png': one, 'c.png': one, 'x.csv': 'image,text\na.png,one\nb.png,two\nnone.png,x\n' };
    const ofTable = await digests(await written('table', table), 'csv');
    expect(await digests(await written('beside', { ...table, 'c.png': other }), 'csv')).toEqual(ofTable);
    for (const [i, digest] of (await digests(await written('exchanged', { ...table, 'b.png': other }), 'csv')).entries())
      expect(digest).not.toBe(ofTable[i]);
  });
});

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
