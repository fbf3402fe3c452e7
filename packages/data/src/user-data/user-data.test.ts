import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../dataset.ts';
import { firstExamples } from '../datasets/first-examples.ts';
import { tarOf, type TarFile } from '../testing/archives.ts';
import { pictureTable } from '../testing/parquet.ts';
import { zipOf } from '../testing/zip.ts';
import { openUserData } from './user-data.ts';

const [WIDTH, HEIGHT, COUNT] = [40, 30, 12];
const CAPTIONS = Array.from({ length: COUNT }, (_, i) => (i === 3 ? 'a "quoted" dog,\nin two lines' : `picture ${i}, ünïcode`));

let root: string;
const pictures: Buffer[] = [];
const conditions: Buffer[] = [];
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'user-data-'));
  for (let i = 0; i < COUNT; i++) {
    const picture = (seed: number) =>
      sharp(Buffer.from(Array.from({ length: WIDTH * HEIGHT * 3 }, (_, p) => (p * (seed + 3) + ((p * p) >> 4)) % 256)), {
        raw: { width: WIDTH, height: HEIGHT, channels: 3 },
      });
    pictures.push(await picture(i).png().toBuffer());
    conditions.push(
      await picture(i + 50)
        .png()
        .toBuffer(),
    );
  }
});
afterAll(() => fs.rmSync(root, { recursive: true }));

type Files = Readonly<Record<string, string | Buffer>>;
let made = 0;

/** A new folder with these files. */
function folderOf(files: Files): string {
  const folder = path.join(root, String(made++));
  for (const [name, data] of Object.entries({ ...files })) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), data);
  }
  return folder;
}

const numbered = (name: (i: number) => string, of: readonly (string | Buffer)[]): Files =>
  Object.fromEntries(of.map((data, i) => [name(i), data]));
const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const csvOf = (header: string, row: (i: number) => string): string => [header, ...CAPTIONS.map((_, i) => row(i))].join('\n') + '\n';
const linesOf = (row: (i: number) => object): string => CAPTIONS.map((_, i) => JSON.stringify(row(i))).join('\n');

/** The same set in every format: its path. */
const FORMATS: Readonly<Record<string, () => string>> = {
  folder: () =>
    folderOf({
      ...numbered((i) => `${i}.png`, pictures),
      ...numbered(
        (i) => `${i}.txt`,
        CAPTIONS.map((caption) => `${caption}\n`),
      ),
      ...numbered((i) => `${i}.condition.png`, conditions),
    }),
  csv: () =>
    path.join(
      folderOf({
        ...numbered((i) => `im/${i}.png`, pictures),
        ...numbered((i) => `co/${i}.png`, conditions),
        'train.csv': csvOf('image,caption,condition', (i) => `im/${i}.png,${cell(CAPTIONS[i]!)},co/${i}.png`),
      }),
      'train.csv',
    ),
  jsonl: () =>
    folderOf({
      ...numbered((i) => `target/${i}.png`, pictures),
      ...numbered((i) => `source/${i}.png`, conditions),
      'prompt.json': linesOf((i) => ({ source: `source/${i}.png`, target: `target/${i}.png`, prompt: CAPTIONS[i] })),
    }),
  imagefolder: () =>
    folderOf({
      ...numbered((i) => `${i}.png`, pictures),
      ...numbered((i) => `conditions/${i}.png`, conditions),
      'metadata.jsonl': linesOf((i) => ({ file_name: `${i}.png`, text: CAPTIONS[i], conditioning_image: `conditions/${i}.png` })),
    }),
};

const parquetOf = (from: number, to: number): Buffer =>
  pictureTable(
    CAPTIONS.slice(from, to).map((text, n) => ({ text, image: pictures[from + n]!, condition: conditions[from + n]! })),
    5,
  );

const samplesOf = (from: number, to: number): TarFile[] =>
  CAPTIONS.slice(from, to).flatMap((caption, n) => [
    { name: `./${from + n}.png`, data: pictures[from + n]! },
    { name: `./${from + n}.txt`, data: caption },
    { name: `./${from + n}.condition.png`, data: conditions[from + n]! },
  ]);

const archived = (files: Files) => Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));

/** Other ways to hold the same set; each gives what is opened. */
const ARCHIVES: Readonly<Record<string, () => Promise<string> | string>> = {
  parquet: () => path.join(folderOf({ 'train.parquet': parquetOf(0, COUNT) }), 'train.parquet'),
  'parquet in parts': () =>
    folderOf({ 'train-00000-of-00002.parquet': parquetOf(0, 7), 'train-00001-of-00002.parquet': parquetOf(7, COUNT) }),
  webdataset: async () => path.join(folderOf({ '0.tar': await tarOf(samplesOf(0, COUNT)) }), '0.tar'),
  'webdataset by range': async () =>
    path.join(
      folderOf({
        'a-08.tar': await tarOf(samplesOf(0, 4)),
        'a-09.tar': await tarOf(samplesOf(4, 6)),
        'a-10.tar': await tarOf(samplesOf(6, COUNT)),
      }),
      'a-{08..10}.tar',
    ),
  'webdataset by star': async () =>
    path.join(folderOf({ '9.tar': await tarOf(samplesOf(0, 4)), '10.tar': await tarOf(samplesOf(4, COUNT)), 'x.txt': '' }), '*.tar'),
  'jsonl in zip': () => {
    const files = { 'prompt.json': linesOf((i) => ({ source: `s/${i}.png`, target: `t/${i}.png`, prompt: CAPTIONS[i] })) };
    const all = { ...files, ...numbered((i) => `t/${i}.png`, pictures), ...numbered((i) => `s/${i}.png`, conditions) };
    return path.join(folderOf({ 'a.zip': zipOf(archived(all).map(({ name, data }) => ({ name: `fill50k/${name}`, data }))) }), 'a.zip');
  },
  'folder in zip': () => {
    const texts = numbered((i) => `${i}.txt`, CAPTIONS);
    const all = { ...texts, ...numbered((i) => `${i}.png`, pictures), ...numbered((i) => `${i}.cond.png`, conditions) };
    return path.join(folderOf({ 'a.zip': zipOf(archived(all)) }), 'a.zip');
  },
  'imagefolder in tar': async () => {
    const table = csvOf('file_name,text,conditioning_image', (i) => `t/${i}.png,${cell(CAPTIONS[i]!)},./s/${i}.png`);
    const all = { 'metadata.csv': table, ...numbered((i) => `t/${i}.png`, pictures), ...numbered((i) => `s/${i}.png`, conditions) };
    return path.join(folderOf({ 'a.tar': await tarOf(archived(all)) }), 'a.tar');
  },
};

describe.each(Object.keys({ ...FORMATS, ...ARCHIVES }))('%s', (format) => {
  it('has the same examples under the same hash', async () => {
    const reference = await openUserData({ data: FORMATS['csv']!(), resolution: 16 });
    const data = await openUserData({ data: await { ...FORMATS, ...ARCHIVES }[format]!(), resolution: 16 });
    expect(data).toMatchObject({
      format: format.split(' ')[0],
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
