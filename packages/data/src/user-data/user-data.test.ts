import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../dataset.ts';
import { firstExamples } from '../datasets/first-examples.ts';
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

describe.each(Object.keys(FORMATS))('%s', (format) => {
  it('has the same examples under the same hash', async () => {
    const reference = await openUserData({ data: FORMATS['csv']!(), resolution: 16 });
    const data = await openUserData({ data: FORMATS[format]!(), resolution: 16 });
    expect(data).toMatchObject({ format, length: COUNT, rows: COUNT, problems: [], conditions: ['canny', 'column'], hash: reference.hash });
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
