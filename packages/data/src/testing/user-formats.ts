import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tarOf, type TarFile } from './archives.ts';
import { pictureTable } from './parquet.ts';
import { zipOf } from './zip.ts';

// The same pictures in every format that is read, for tests.

/** Pictures with captions and conditions, one of each a row. */
export interface PictureSet {
  readonly pictures: readonly Buffer[];
  readonly captions: readonly string[];
  readonly conditions: readonly Buffer[];
}

type Files = Readonly<Record<string, string | Buffer>>;

/** A folder with these files. */
export function writeFiles(folder: string, files: Files): string {
  for (const [name, data] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), data);
  }
  return folder;
}

const numbered = (name: (i: number) => string, of: readonly (string | Buffer)[]): Files =>
  Object.fromEntries(of.map((data, i) => [name(i), data]));
const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** The files of each format that is a folder, by the format's name. */
function foldersOf({ pictures, captions, conditions }: PictureSet): Record<'folder' | 'csv' | 'jsonl' | 'imagefolder', Files> {
  const csv = (header: string, row: (i: number) => string): string => [header, ...captions.map((_, i) => row(i))].join('\n') + '\n';
  const lines = (row: (i: number) => object): string => captions.map((_, i) => JSON.stringify(row(i))).join('\n');
  const under = (folder: string, of: readonly Buffer[]): Files => numbered((i) => `${folder}${i}.png`, of);
  return {
    folder: {
      ...under('', pictures),
      ...numbered(
        (i) => `${i}.txt`,
        captions.map((caption) => `${caption}\n`),
      ),
      ...numbered((i) => `${i}.condition.png`, conditions),
    },
    csv: {
      ...under('im/', pictures),
      ...under('co/', conditions),
      'train.csv': csv('image,caption,condition', (i) => `im/${i}.png,${cell(captions[i]!)},co/${i}.png`),
    },
    jsonl: {
      ...under('target/', pictures),
      ...under('source/', conditions),
      'prompt.json': lines((i) => ({ source: `source/${i}.png`, target: `target/${i}.png`, prompt: captions[i] })),
    },
    imagefolder: {
      ...under('', pictures),
      ...under('conditions/', conditions),
      'metadata.jsonl': lines((i) => ({ file_name: `${i}.png`, text: captions[i], conditioning_image: `conditions/${i}.png` })),
    },
  };
}

/** Shards of either kind, by the format's name: files, and what of them is opened. */
async function shardsOf({ pictures, captions, conditions }: PictureSet): Promise<Record<string, { files: Files; opened: string }>> {
  const count = captions.length;
  const table = (from: number, to: number): Buffer =>
    pictureTable(
      captions.slice(from, to).map((text, n) => ({ text, image: pictures[from + n]!, condition: conditions[from + n]! })),
      5,
    );
  const samples = (from: number, to: number): Promise<Buffer> =>
    tarOf(
      captions.slice(from, to).flatMap((caption, n): TarFile[] => [
        { name: `./${from + n}.png`, data: pictures[from + n]! },
        { name: `./${from + n}.txt`, data: caption },
        { name: `./${from + n}.condition.png`, data: conditions[from + n]! },
      ]),
    );
  return {
    parquet: { files: { 'train.parquet': table(0, count) }, opened: 'train.parquet' },
    'parquet in parts': {
      files: { 'train-00000-of-00002.parquet': table(0, 7), 'train-00001-of-00002.parquet': table(7, count) },
      opened: '',
    },
    webdataset: { files: { '0.tar': await samples(0, count) }, opened: '0.tar' },
    'webdataset by range': {
      files: { 'a-08.tar': await samples(0, 4), 'a-09.tar': await samples(4, 6), 'a-10.tar': await samples(6, count) },
      opened: 'a-{08..10}.tar',
    },
    'webdataset by star': { files: { '9.tar': await samples(0, 4), '10.tar': await samples(4, count), 'x.txt': '' }, opened: '*.tar' },
  };
}

/**
 * Writes a set of at least eight rows in every format, folders also as zip (below a folder of its own) and as tar.
 * @returns what is opened, by the format's name and how it is held: `jsonl`, `jsonl in zip`, `webdataset by range`
 */
export async function writeUserFormats(root: string, set: PictureSet): Promise<Record<string, string>> {
  const opened: Record<string, string> = {};
  const put = (name: string, files: Files, file = ''): void => {
    opened[name] = path.join(writeFiles(path.join(root, name.replaceAll(' ', '-')), files), file);
  };
  for (const [format, files] of Object.entries(foldersOf(set))) {
    put(format, files, format === 'csv' ? 'train.csv' : '');
    const entries = Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));
    put(`${format} in zip`, { 'a.zip': zipOf(entries.map(({ name, data }) => ({ name: `mine/${name}`, data }))) }, 'a.zip');
    put(`${format} in tar`, { 'a.tar': await tarOf(entries) }, 'a.tar');
  }
  for (const [format, { files, opened: file }] of Object.entries(await shardsOf(set))) put(format, files, file);
  return opened;
}
