import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf, tiffOf } from '../testing/archives.ts';
import { pictureTable } from '../testing/parquet.ts';
import { zipOf } from '../testing/zip.ts';
import { openUserData } from './user-data.ts';
import type { UserDataOptions } from './options.ts';

const raw = (width: number, height: number): Sharp =>
  sharp(Buffer.from(Array.from({ length: width * height * 3 }, (_, p) => (p * p * 7 + p) % 256)), { raw: { width, height, channels: 3 } });

let root: string;
let png: Buffer;
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'bad-data-'));
  png = await raw(24, 20).png().toBuffer();
});
afterAll(() => fs.rmSync(root, { recursive: true }));

type Files = Readonly<Record<string, string | Buffer>>;
let made = 0;
function folderOf(files: Files): string {
  const folder = path.join(root, `set-${made++}`, 'data');
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), data);
  }
  return folder;
}

const open = (data: string, more: Partial<UserDataOptions> = {}) => openUserData({ data, resolution: 16, ...more });

/** What is left of data, and what is told of the rest. */
async function skipped(data: string, more: Partial<UserDataOptions> = {}) {
  const { length, problems, ...set } = await open(data, { onBadRow: 'skip', ...more });
  const captions: string[] = [];
  for (let i = 0; i < length; i++) captions.push((await set.example(i)).captions['caption']!);
  return { captions, problems: problems.map(({ where, reason }) => `${where}: ${reason}`) };
}

/** A table over good pictures a, b and c, with other rows between them. */
const tableOf = (rows: readonly string[], more: Files = {}): string =>
  folderOf({
    'a.png': png,
    'b.png': png,
    'c.png': png,
    'train.csv': `image,caption\na.png,one\n${rows.join('\n')}\nc.png,three\n`,
    ...more,
  });

describe('a bad row', () => {
  const CASES: readonly (readonly [what: string, row: string, problem: RegExp])[] = [
    ['a missing file', 'none.png,two', /^train.csv, row 3: .*none\.png: there is no such file/],
    ['a corrupt image', 'cut.png,two', /row 3: cut\.png cannot be decoded \(cut short/],
    ['a text as an image', 'text.png,two', /row 3: text\.png cannot be decoded/],
    ['a field too few', 'b.png', /row 3: it has 1 fields, the header has 2/],
    ['a field too many', 'b.png,two,three', /row 3: it has 3 fields/],
    ['a quote within a field', 'b.png,two"2"', /row 3: it is no row of CSV: Invalid Opening Quote/],
    ['no caption', 'b.png,', /row 3: it has no caption; pass over such rows/],
    ['no picture', ',two', /row 3: it names no picture/],
    ['an absolute path', '/etc/hostname,two', /row 3: "\/etc\/hostname" lies outside the data; allow that with --allow-outside/],
    ["a drive's path", 'C:\\x.png,two', /row 3: "C:\\x\.png" lies outside the data/],
    ['a path that goes up', '../up.png,two', /row 3: "\.\.\/up\.png" lies outside/],
    ['a path that goes up in the middle', 'sub/../../up.png,two', /row 3: "sub\/\.\.\/\.\.\/up\.png" lies outside/],
    ['a link that leads out', 'link.png,two', /row 3: "link\.png" is a link that leads outside the data/],
    ['an address', 'https://x.org/y.png,two', /row 3: "https:\/\/x\.org\/y\.png" is an address: download/],
    ['a folder', 'sub,two', /row 3: .*sub is a folder, a pipe/],
    ['a pipe', 'pipe.png,two', /row 3: .*pipe\.png is a folder, a pipe/],
    ['floats', 'float.tiff,two', /row 3: float\.tiff/],
  ];
  const more = async (): Promise<Files> => ({
    'cut.png': png.subarray(0, 300),
    'text.png': 'a text',
    'sub/x.png': png,
    'float.tiff': tiffOf(2, 2, new Uint8Array(16), { photometric: 1, bits: 32, float: true }),
  });

  it.each(CASES)('%s: is told by its number, the rest unharmed', async (_, row, problem) => {
    const folder = tableOf([row], await more());
    fs.writeFileSync(path.join(folder, '..', 'up.png'), png);
    fs.symlinkSync('../up.png', path.join(folder, 'link.png'));
    execFileSync('mkfifo', [path.join(folder, 'pipe.png')]);
    const found = await skipped(folder, { format: 'csv' });
    expect(found).toEqual({ captions: ['one', 'three'], problems: [expect.stringMatching(problem)] });
    await expect(open(folder)).rejects.toMatchObject({
      code: 'invalid-row',
      message: expect.stringMatching(/train\.csv: train\.csv, row 3: /) as string,
    });
  });

  it('may lie outside where that is allowed', async () => {
    const folder = tableOf([`../up.png,two`, `link.png,three`, `${path.join(root, 'far.png')},four`]);
    for (const file of [path.join(folder, '..', 'up.png'), path.join(root, 'far.png')]) fs.writeFileSync(file, png);
    fs.symlinkSync('../up.png', path.join(folder, 'link.png'));
    expect(await skipped(folder, { allowOutside: true })).toMatchObject({
      captions: ['one', 'two', 'three', 'four', 'three'],
      problems: [],
    });
    expect((await skipped(folder)).problems).toHaveLength(3);
  });

  it('may name its picture with the slashes of Windows, or its letters composed otherwise, wherever it lies', async () => {
    const [composed, apart] = ['caf\u00e9', 'cafe\u0301'];
    const table = `image,text\nimg\\a.png,one\n./img/${composed}.png,two\nIMG/A.png,x\nimg/${apart}s.png,x\n..\\a.png,x\n`;
    const files = { 'img/a.png': png, [`img/${apart}.png`]: png, 'metadata.csv': table };
    const entries = Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));
    const archives = folderOf({ 'a.zip': zipOf(entries.map((entry) => ({ ...entry, flags: 0x800 }))), 'a.tar': await tarOf(entries) });
    for (const data of [folderOf(files), path.join(archives, 'a.zip'), path.join(archives, 'a.tar')])
      expect(await skipped(data), data).toEqual({
        captions: ['one', 'two'],
        problems: [
          expect.stringMatching(
            /row 4: IMG\/A\.png: there is no such file in .*; a file of that name in other letters is there: img\/a\.png$/,
          ),
          expect.stringMatching(/row 5: img\/.*s\.png: there is no such file in [^;]*$/),
          expect.stringMatching(/row 6: "\.\.\\a\.png" lies outside/),
        ],
      });
    // Of two nobody knows which one is meant.
    const two = folderOf({ '\u00c5.png': png, '\u212b.png': png, 'x.csv': 'image,text\n\u212b.png,one\nA\u030a.png,two\n' });
    expect(await skipped(two)).toEqual({
      captions: ['one'],
      problems: [expect.stringMatching(/row 3: .* in other letters is there: /)],
    });
  });

  it('of JSON lines is told by its line, whatever it holds', async () => {
    const folder = folderOf({
      'a.png': png,
      'train.jsonl': ['{"image": "a.png", "text": "one"}', '', '{"image": "a.png"', '[1]', 'null', '{"image": 3, "text": "x"}', '{"text": "x"}', '{"image": "a.png", "text": null}', '{"text": "two", "image": "a.png"}'].join('\n'), // prettier-ignore
    });
    const { captions, problems } = await skipped(folder);
    expect(captions).toEqual(['one', 'two']);
    expect(problems).toEqual([
      expect.stringMatching(/^train\.jsonl, line 3: it is no JSON: /),
      'train.jsonl, line 4: it is no JSON object',
      'train.jsonl, line 5: it is no JSON object',
      'train.jsonl, line 6: "image" holds a number, where a text is needed',
      'train.jsonl, line 7: "image" is missing, where a text is needed',
      'train.jsonl, line 8: "text" holds null, where a text is needed',
    ]);
  });

  it('of a folder is told by its file', async () => {
    const folder = folderOf({ 'a.png': png, 'a.txt': 'one', 'b.png': 'x', 'b.txt': 'two', 'c.png': png, 'd.heic': 'x', 'd.txt': 'x', 'e.png': png, 'e.txt': Buffer.from([0xe9]) }); // prettier-ignore
    const { captions, problems } = await skipped(folder);
    expect(captions).toEqual(['one']);
    expect(problems).toEqual([
      expect.stringMatching(/^b\.png: b\.png cannot be decoded/),
      expect.stringMatching(/^c\.png: it has no caption c\.txt; pass over such rows/),
      expect.stringMatching(/^d\.heic: d\.heic cannot be decoded/),
      expect.stringMatching(/^e\.png: e\.txt: line 1 is no text in utf-8/),
    ]);
    expect(await skipped(folder, { captions: 'none' })).toMatchObject({ captions: ['', '', ''] });
  });

  it('is no picture of a folder whose name says nothing: how it begins says what it is', async () => {
    const jpeg = await raw(24, 20).jpeg().toBuffer();
    const folder = folderOf({
      'a.png': png, 'a.caption': 'one', 'b': png, 'b.txt': 'two', 'b.caption': 'not this', 'c.jpg_large': jpeg, 'c.txt': 'three',
      'd.v2.condition': png, 'LICENSE': 'a text', 'e': Buffer.from('\0\0\0\x18ftypheic', 'latin1'), 'e.txt': 'x',
    }); // prettier-ignore
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    expect(await skipped(folder, { columns: { condition: 'none' } })).toEqual({
      captions: ['one', 'two', 'three'],
      problems: [expect.stringMatching(/^e: e cannot be decoded/)],
    });
  });

  it('is not found by columns where there are none', async () => {
    const folder = folderOf({ 'a.png': png, 'a.txt': 'one', 'a.cond.png': png });
    for (const [columns, flag] of [
      [{ image: 'x' }, 'image-column'],
      [{ caption: 'x' }, 'caption-column'],
      [{ condition: 'x' }, 'conditioning-image-column'],
    ] as const)
      await expect(open(folder, { columns })).rejects.toThrow(
        new RegExp(`is read as a folder of pictures, with captions in NAME\\.txt .*: leave --${flag} out$`),
      );
    const [all, none] = [await open(folder), await open(folder, { columns: { condition: 'none' } })];
    expect([all.conditions, none.conditions, none.length]).toEqual([['canny', 'column'], ['canny'], 1]);
  });

  it('is one whose condition shows something else, not one whose condition has another size', async () => {
    const folder = folderOf({
      'a.png': png,
      'same.png': await raw(48, 40).png().toBuffer(),
      'wide.png': await raw(48, 24).png().toBuffer(),
      'train.csv': 'image,caption,condition\na.png,one,same.png\na.png,two,wide.png\na.png,three,none.png\n',
    });
    const { captions, problems } = await skipped(folder);
    expect(captions).toEqual(['one']);
    expect(problems[0]).toMatch(/row 3: its condition picture has 48 x 24 pixels and the picture 24 x 20: they do not show the same/);
    expect(problems[1]).toMatch(/row 4: .*none\.png: there is no such file/);
    expect(await skipped(folder, { columns: { condition: 'none' } })).toMatchObject({ captions: ['one', 'two', 'three'], problems: [] });
  });
});

describe('a text', () => {
  it('may begin with a byte order mark, have CRLF, quotes and newlines, and no line break at its end', async () => {
    const folder = folderOf({
      'a.png': png,
      'train.csv': '\ufeff"image","caption"\r\na.png,"a ""big""\r\ndog, or two"\r\n\r\n"a.png", last one',
    });
    expect(await skipped(folder)).toEqual({ captions: ['a "big"\r\ndog, or two', 'last one'], problems: [] });
    const lines = folderOf({ 'a.png': png, 'x.jsonl': '\ufeff{"image": "a.png", "text": "one"}\r\n{"image": "a.png", "text": "two"}' });
    expect(await skipped(lines)).toEqual({ captions: ['one', 'two'], problems: [] });
  });

  it('ends its rows at a CR alone, too, as old spreadsheets do, and loses none of them', async () => {
    const files = { 'a.png': png };
    const mixed = 'image,text\na.png,one\ra.png,two\na.png,"th\rree"\r\n\ra.png,four\r"a.png","five"\r';
    const captions = ['one', 'two', 'th\rree', 'four', 'five'];
    expect(await skipped(folderOf({ ...files, 'x.csv': mixed }))).toEqual({ captions, problems: [] });
    const alone = 'image,text\ra.png,one\ra.png,tw';
    expect(await skipped(folderOf({ ...files, 'x.csv': alone }))).toEqual({ captions: ['one', 'tw'], problems: [] });
    const numbered = await skipped(folderOf({ ...files, 'x.csv': 'image,text\ra.png,one\r\rnone.png,two\r' }));
    expect(numbered.problems).toEqual([expect.stringMatching(/^x\.csv, row 4: /)]);
    const lines = '{"image": "a.png", "text": "one"}\r{"image": "a.png", "text": "two"}\r';
    expect(await skipped(folderOf({ ...files, 'x.jsonl': lines }))).toEqual({ captions: ['one', 'two'], problems: [] });
  });

  it('may be one JSON array of objects', async () => {
    const array = [{ image: 'a.png', text: 'one' }, 3, { image: 'none.png', text: 'x' }, { image: 'a.png', text: 'two' }];
    for (const name of ['prompt.json', 'x.jsonl']) {
      const found = await skipped(folderOf({ 'a.png': png, [name]: `\ufeff ${JSON.stringify(array, null, 2)}\n` }));
      expect(found).toEqual({
        captions: ['one', 'two'],
        problems: [`${name}, object 2: it is no JSON object`, expect.stringMatching(new RegExp(`^${name}, object 3: .*none\\.png`))],
      });
    }
    // What is none may be lines of which the first is bad.
    const lines = '[1]\n{"image": "a.png", "text": "one"}\n';
    expect(await skipped(folderOf({ 'a.png': png, 'x.jsonl': lines }))).toMatchObject({ captions: ['one'] });
  });

  it('of JSON that cannot be read is named with its line', async () => {
    const opened = (text: string) => open(folderOf({ 'a.png': png, 'prompt.json': text }), { onBadRow: 'skip' });
    await expect(opened('\n{"image": "a.png"\n')).rejects.toThrow(/^\/.*data\/prompt\.json: prompt\.json, line 2: it is no JSON: /);
    await expect(opened('3\n')).rejects.toThrow(/prompt\.json: prompt\.json, line 1: it is no JSON object$/);
    await expect(opened('[{"image": "a.png"},\n')).rejects.toThrow(
      /data\/prompt\.json begins as a JSON array, and cannot be read as one: it is no JSON: /,
    );
    await expect(opened('[]')).rejects.toThrow(/prompt\.json has no rows/);
  });

  it('may have semicolons or tabs, as Excel writes them', async () => {
    expect(await skipped(folderOf({ 'a.png': png, 'train.csv': 'image;caption\na.png;one, two\n' }))).toMatchObject({
      captions: ['one, two'],
    });
    expect(await skipped(folderOf({ 'a.png': png, 'train.tsv': 'image\tcaption\na.png\tone, two\n' }))).toMatchObject({
      captions: ['one, two'],
    });
    expect(await skipped(folderOf({ 'a.png': png, 'train.tsv': 'image\tcaption\t"a, b"\na.png\tone\tx\n' }))).toMatchObject({
      captions: ['one'],
    });
    // A line of Excel's own names the delimiter, and is no row; rows are counted with it.
    expect(await skipped(folderOf({ 'a.png': png, 'train.csv': '\ufeffsep=;\r\nimage;caption\r\na.png;one, two\r\na.png\r\n' }))).toEqual({
      captions: ['one, two'],
      problems: [expect.stringMatching(/^train\.csv, row 4: it has 1 fields, the header has 2/)],
    });
    await expect(open(folderOf({ 'train.csv': 'sep=;\n' }))).rejects.toThrow(/train\.csv is empty/);
  });

  it('in Latin-1 is bad in the rows that show it, and read where that is declared', async () => {
    const folder = folderOf({ 'a.png': png, 'train.csv': Buffer.from('image,caption\na.png,caf\xe9\na.png,two\n', 'latin1') });
    expect(await skipped(folder)).toEqual({
      captions: ['two'],
      problems: [expect.stringMatching(/^train\.csv, row 2: .*no text in utf-8.*declare its encoding, such as windows-1252/)],
    });
    expect(await skipped(folder, { encoding: 'windows-1252' })).toMatchObject({ captions: ['café', 'two'] });
    await expect(open(folderOf({ 'train.csv': Buffer.from('\ufeffimage,caption\n', 'utf16le') }))).rejects.toThrow(/is a text in UTF-16/);
  });

  it('may have a caption of 10 MB', async () => {
    const caption = 'word '.repeat(2 ** 21);
    const { captions, problems } = await skipped(tableOf([`b.png,"${caption}"`]));
    expect([captions.map(({ length }) => length), problems]).toEqual([[3, caption.length - 1, 5], []]);
  });

  it('with a quote that is never closed loses the rows behind it, and says so', async () => {
    const { captions, problems } = await skipped(tableOf(['b.png,"two']));
    expect(captions).toEqual(['one']);
    expect(problems).toEqual([expect.stringMatching(/row 3: it is no row of CSV: Quote Not Closed/)]);
  });

  it('that ends within its last row says that it is cut short, and only then', async () => {
    const cut = (name: string, text: string) => skipped(folderOf({ 'a.png': png, [name]: text }));
    const short = /the file ends there without a line break: it is cut short/;
    const table = 'image,caption,hint\na.png,one,a.png\n';
    expect((await cut('x.csv', `${table}a.png,tw`)).problems).toEqual([
      expect.stringMatching(/x\.csv, row 3: it has 2 fields, .* 3; the file/),
    ]);
    expect((await cut('x.csv', `${table}a.png,"tw`)).problems).toEqual([expect.stringMatching(short)]);
    expect((await cut('x.csv', `${table}a.png,two\n`)).problems).toEqual([expect.not.stringMatching(short)]);
    expect((await cut('x.csv', `${table}a.png,two,a.png,4`)).problems).toEqual([expect.not.stringMatching(short)]);
    expect((await cut('x.csv', `${table}a.png,two,a.png`)).problems).toEqual([]);
    const lines = '{"image": "a.png", "text": "one"}\n';
    expect((await cut('x.jsonl', `${lines}{"image": "a.png", "te`)).problems).toEqual([expect.stringMatching(short)]);
    expect((await cut('x.jsonl', `${lines}{"image": "a.png", "te\n`)).problems).toEqual([expect.not.stringMatching(short)]);
    // Of a table of thousands, whose rows are not all looked at, the last one is.
    const long = `image,caption\n${'a.png,one\n'.repeat(3000)}a.png`;
    await expect(open(folderOf({ 'a.png': png, 'x.csv': long }))).rejects.toThrow(/x\.csv, row 3002: it has 1 fields.*cut short/);
  });

  it('keeps rows that are there twice', async () => {
    expect((await skipped(tableOf(['b.png,two', 'b.png,two']))).captions).toEqual(['one', 'two', 'two', 'three']);
  });

  it('names its columns, or is refused by those that it has', async () => {
    const folder = tableOf([]);
    const table = path.join(folder, 'train.csv');
    await expect(open(table, { columns: { caption: 'txt' } })).rejects.toThrow(
      /has no column "txt" for the caption; it has image, caption/,
    );
    fs.writeFileSync(table, 'picture,words\na.png,one\n');
    await expect(open(table)).rejects.toThrow(
      /no column that is known to hold pictures: say which with --image-column; it has picture, words/,
    );
    expect((await skipped(table, { columns: { image: 'picture', caption: 'words' } })).captions).toEqual(['one']);
    fs.writeFileSync(table, 'image,text,caption\na.png,one,two\n');
    await expect(open(table)).rejects.toThrow(/has several columns that may be the caption \(text, caption\)/);
    fs.writeFileSync(table, 'image,image\na.png,b.png\n');
    await expect(open(table)).rejects.toThrow(/has two columns "image"/);
  });
});

describe('what is meant', () => {
  const manifest = JSON.stringify({ format: 'controllab-manifest-1', files: { 'sizes.csv': '', 'images/row-1.png': '' } });
  const training = JSON.stringify({ format: 'controllab-training-1', identity: {} });
  const pictures = (): Files => ({ 'a.png': png, 'a.txt': 'one', 'b/c.png': png, 'b/c.txt': 'two' });
  const read = { captions: ['one', 'two'], problems: [] };

  it('is not what reports and trainings have written among it, wherever it lies', async () => {
    const outputs = {
      'check/manifest.json': manifest,
      'check/sizes.csv': 'x,width\n1,2\n',
      'check/images/row-1.png': png,
      'b/my-control/training.json': training,
      'b/my-control/log.jsonl': '{"step":0}\n',
      'b/my-control/validation/step-00000000-1.png': png,
    };
    const entries = Object.entries({ ...pictures(), ...outputs }).map(([name, data]) => ({ name, data: Buffer.from(data) }));
    const zip = folderOf({ 'a.zip': zipOf(entries) });
    for (const data of [folderOf({ ...pictures(), ...outputs }), path.join(zip, 'a.zip')]) {
      expect(await skipped(data), data).toEqual(read);
      expect((await open(data, { captions: 'none' })).length).toBe(2);
    }
    // Files of the same names that are nobody's output are the user's.
    const own = { 'x/manifest.json': '{"name": "an app"}', 'x/training.json': '[]', 'x/d.png': png, 'x/d.txt': 'three' };
    expect((await skipped(folderOf({ ...pictures(), ...own }))).captions).toEqual(['one', 'two', 'three']);
    expect(await skipped(folderOf({ ...pictures(), 'manifest.json': manifest, 'sizes.csv': 'x,width\n1,2\n' }))).toEqual(read);
    await expect(open(folderOf({ ...pictures(), 'training.json': training }))).rejects.toThrow(
      /data is the folder of a training, which is no data/,
    );
  });

  it('is a folder of pictures where some table lies deeper among them, and asked for where nothing tells', async () => {
    const notes = { 'sub/notes.csv': 'who,when\nme,today\n' };
    expect(await skipped(folderOf({ ...pictures(), ...notes }))).toEqual(read);
    const uncaptioned = folderOf({ 'a.png': png, ...notes });
    await expect(open(uncaptioned, { captions: 'none' })).rejects.toThrow(
      /holds pictures \(a\.png\) and, below them, sub\/notes\.csv: say which is meant with --data-format folder or --data-format csv/,
    );
    expect((await open(uncaptioned, { captions: 'none', format: 'folder' })).length).toBe(1);
    // As Hugging Face lays it out, with a picture for its page.
    const table = { 'cover.png': png, 'infos.json': '{}', 'train/metadata.csv': 'file_name,text\na.png,one\n', 'train/a.png': png };
    expect(await skipped(folderOf(table))).toEqual({ captions: ['one'], problems: [] });
  });

  it('is one split of several', async () => {
    const part = (text: string): Buffer => pictureTable([{ image: png, condition: png, text }], 1);
    const shards = (train: string, test: string) => ({
      [`data/${train}`]: part('one'),
      [`data/${train.replace('0', '1')}`]: part('two'),
      [`data/${test}`]: part('held out'),
    });
    const clone = folderOf({ ...shards('train-0-of-2.parquet', 'test-0-of-1.parquet'), 'dataset_infos.json': '{}' });
    await expect(open(clone)).rejects.toMatchObject({
      code: 'ambiguous-format',
      message: `${clone} holds the splits test and train; name one, such as ${clone}/data/test-0-of-1.parquet`,
    });
    expect((await skipped(path.join(clone, 'data', 'train-*.parquet'))).captions).toEqual(['one', 'two']);
    const folders = folderOf({ 'train/0.parquet': part('one'), 'train/1.parquet': part('two'), 'val/0.parquet': part('held out') });
    await expect(open(folders)).rejects.toThrow(/holds the splits train and val; name one, such as .*data\/train$/);
    expect((await skipped(path.join(folders, 'train'))).captions).toEqual(['one', 'two']);
    const alike = folderOf({ 'train-0.parquet': part('one'), 'train-1.parquet': part('two'), 'trains.parquet': part('three') });
    expect((await skipped(alike)).captions).toEqual(['one', 'two', 'three']);
  });

  it('is no table of shards within an archive', async () => {
    const shard = pictureTable([{ image: png, condition: png, text: 'one' }], 1);
    const zip = path.join(folderOf({ 'a.zip': zipOf([{ name: 'x/0.parquet', data: shard }]) }), 'a.zip');
    await expect(open(zip)).rejects.toThrow(/a\.zip holds x\/0\.parquet, which cannot be read within an archive: unpack it/);
  });
});

describe('pictures', () => {
  it('are read with alpha, as CMYK, in 16 bits, grey, and turned as their EXIF data says', async () => {
    const files = {
      'alpha.png': await raw(24, 20).ensureAlpha(0.5).png().toBuffer(),
      'cmyk.tiff': tiffOf(8, 8, new Uint8Array(8 * 8 * 4).fill(100), { photometric: 5 }),
      'deep.png': await raw(24, 20).toColourspace('rgb16').png().toBuffer(),
      'grey.png': await raw(24, 20).toColourspace('b-w').png().toBuffer(),
      'turned.png': await raw(24, 20).withMetadata({ orientation: 6 }).png().toBuffer(),
    };
    const data = await open(folderOf(files), { captions: 'none' });
    expect([data.length, data.problems]).toEqual([5, []]);
    const upright = await open(folderOf({ 'x.png': await raw(24, 20).rotate(90).png().toBuffer() }), { captions: 'none' });
    expect((await data.example(4)).image).toEqual((await upright.example(0)).image);
  });

  it('may be one', async () => {
    expect(await skipped(folderOf({ 'a.png': png, 'a.txt': 'one' }))).toEqual({ captions: ['one'], problems: [] });
  });

  it('have to be some', async () => {
    await expect(open(folderOf({}))).rejects.toMatchObject({ code: 'empty-input' });
    await expect(open(folderOf({ 'train.csv': 'image,caption\n' }))).rejects.toThrow(/train\.csv has no rows/);
    await expect(open(folderOf({ 'train.csv': '' }))).rejects.toThrow(/train\.csv is empty/);
    await expect(open(folderOf({ 'train.jsonl': '\n\n' }))).rejects.toThrow(/train\.jsonl has no rows/);
    await expect(open(folderOf({ 'train.csv': 'image,caption\nx.png,x\n' }), { onBadRow: 'skip' })).rejects.toThrow(
      /no row can be read; train\.csv, row 2: /,
    );
    await expect(open(path.join(root, 'nowhere'))).rejects.toThrow(/nowhere: there is no such file or folder/);
    await expect(open(path.join(root, '*.tar'))).rejects.toThrow(/no file matches/);
    await expect(open(path.join(root, '{00..02}.tar'))).rejects.toThrow(/00\.tar: there is no such file/);
  });
});

describe('an archive', () => {
  const sample = (key: string, caption: string) => [
    { name: `${key}.png`, data: png },
    { name: `${key}.txt`, data: caption },
  ];

  it('of samples tells those without a picture or a text, and reads captions from JSON', async () => {
    const tar = await tarOf([
      ...sample('a', 'one'),
      { name: 'b.txt', data: 'two' },
      { name: 'c.png', data: png },
      { name: 'c.json', data: '{"caption": "three"}' },
      { name: 'd.jpg', data: png.subarray(0, 90) },
      { name: 'd.txt', data: 'four' },
      { name: 'e.png', data: png },
      { name: 'e.json', data: '{' },
    ]);
    const { captions, problems } = await skipped(path.join(folderOf({ 'a.tar': tar }), 'a.tar'));
    expect(captions).toEqual(['one', 'three']);
    expect(problems).toEqual([
      'a.tar, sample b: it has no picture',
      expect.stringMatching(/^a\.tar, sample d: its image cannot be decoded/),
      expect.stringMatching(/^a\.tar, sample e: its JSON cannot be read/),
    ]);
  });

  it('that is hostile or cut short is refused, or passed over as a whole', async () => {
    const good = await tarOf(sample('a', 'one'));
    const bad = {
      up: await tarOf([{ name: '../x.png', data: png }]),
      absolute: await tarOf([{ name: '/x.png', data: png }]),
      link: await tarOf([{ name: 'x.png', type: 'symlink', linkname: '/etc/passwd' }]),
      twice: await tarOf([...sample('a', 'one'), ...sample('a', 'two')]),
      cut: good.subarray(0, 700),
      text: Buffer.from('no tar'.repeat(200)),
    };
    for (const [name, bytes] of Object.entries(bad)) {
      const folder = folderOf({ '0.tar': good, '1.tar': bytes });
      await expect(open(path.join(folder, '1.tar')), name).rejects.toThrow(/1\.tar/);
      await expect(open(path.join(folder, '*.tar')), name).rejects.toThrow(/1\.tar/);
      expect(await skipped(path.join(folder, '*.tar')), name).toEqual({
        captions: ['one'],
        problems: [expect.stringMatching(/^1\.tar: /)],
      });
    }
    await expect(open(path.join(folderOf({ 'a.tar.gz': good }), 'a.tar.gz'))).rejects.toThrow(/unpack it with gunzip/);
  });

  it('of a folder of pictures is one, whatever the order of its files or the dots in their names', async () => {
    const opened = async (...names: string[]) => {
      const tar = await tarOf(names.map((name) => ({ name, data: name.endsWith('.png') ? png : `of ${name}` })));
      const folder = folderOf({ 'a.tar': tar });
      const found = await skipped(path.join(folder, 'a.tar'));
      expect(await skipped(folder)).toEqual(found);
      return [(await open(path.join(folder, 'a.tar'))).format, ...found.captions];
    };
    expect(await opened('p/a.png', 'p/b.png', 'p/a.txt', 'p/b.txt')).toEqual(['folder', 'of p/a.txt', 'of p/b.txt']);
    expect(await opened('my.cat.png', 'my.cat.txt', 'x.png', 'x.txt')).toEqual(['folder', 'of my.cat.txt', 'of x.txt']);
    expect(await opened('b.png', 'b.txt', 'a.png', 'a.txt')).toEqual(['webdataset', 'of b.txt', 'of a.txt']);
    const pictures = ['my.cat.png', 'my.cat.txt', 'my.dog.png'];
    await expect(opened(...pictures)).rejects.toThrow(
      /\(cat\.png, dog\.png\): say which with --image-column, or give --data-format folder/,
    );
    const tar = await tarOf(pictures.map((name) => ({ name, data: name.endsWith('.png') ? png : 'one' })));
    expect(await skipped(path.join(folderOf({ 'a.tar': tar }), 'a.tar'), { format: 'folder' })).toEqual({
      captions: ['one'],
      problems: [expect.stringMatching(/^my\.dog\.png: it has no caption my\.dog\.txt/)],
    });
  });

  it('with several pictures a sample has to be told which is meant', async () => {
    const tar = await tarOf([
      { name: 'a.png', data: png },
      { name: 'a.seg.png', data: png },
      { name: 'a.txt', data: 'one' },
    ]);
    const file = path.join(folderOf({ 'a.tar': tar }), 'a.tar');
    await expect(open(file)).rejects.toThrow(
      /the sample a has several pictures \(png, seg\.png\): say which with --image-column, or give --data-format folder/,
    );
    const data = await open(file, { columns: { image: 'png', condition: 'seg.png' } });
    expect(data.conditions).toEqual(['canny', 'column']);
    const named = await open(file, { columns: { image: 'seg.png', condition: 'none' } });
    expect([named.conditions, named.length]).toEqual([['canny'], 1]);
    // A condition that is not read may be damaged, and is no second picture.
    const damaged = await tarOf([...sample('a', 'one'), { name: 'a.condition.png', data: 'x' }]);
    const unread = await open(path.join(folderOf({ 'a.tar': damaged }), 'a.tar'), { columns: { condition: 'none' } });
    expect([unread.conditions, unread.length]).toEqual([['canny'], 1]);
  });
});

describe('a parquet table', () => {
  it('that is cut short, or no table, is refused or passed over', async () => {
    const rows = Array.from({ length: 6 }, (_, i) => ({ image: png, condition: png, text: `row ${i}` }));
    const table = pictureTable(rows, 2);
    const folder = folderOf({ 'a.parquet': table, 'b.parquet': table.subarray(0, table.length - 40) });
    await expect(open(folder)).rejects.toThrow(/b\.parquet is damaged, cut short or no parquet table/);
    const { captions, problems } = await skipped(folder);
    expect([captions.length, problems]).toEqual([6, [expect.stringMatching(/^b\.parquet: .* is damaged, cut short or no parquet table/)]]);
  });

  it('may name files, which lie inside or are told', async () => {
    const table = parquetWriteBuffer({
      columnData: [
        { name: 'image', data: ['a.png', '../a.png', null], type: 'STRING' },
        { name: 'text', data: ['one', 'two', 'three'], type: 'STRING' },
      ],
    });
    const folder = folderOf({ 'a.png': png, 'train.parquet': Buffer.from(table) });
    expect(await skipped(path.join(folder, 'train.parquet'))).toEqual({
      captions: ['one'],
      problems: [
        expect.stringMatching(/^train\.parquet, row 2: "\.\.\/a\.png" lies outside/),
        'train.parquet, row 3: "image" holds nothing, where a picture (bytes, or the name of a file) is needed',
      ],
    });
  });
});

describe('an option that nothing would heed is refused', () => {
  const set = async (): Promise<Files> => {
    const files = { 'a.png': png, 'a.txt': 'one', 'train.csv': 'image,text\na.png,one\n' };
    const entries = Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));
    return {
      'a.zip': zipOf(entries),
      'a.tar': await tarOf(entries),
      'shards/0.tar': await tarOf(entries.slice(0, 2)),
      'a.parquet': pictureTable([{ image: png, condition: png, text: 'one' }], 1),
      'photos/a.png': png,
      'photos/a.txt': 'one',
    };
  };

  it.each<[string, Partial<UserDataOptions>, RegExp]>([
    ['a.zip', { allowOutside: true }, /a\.zip: rows of an archive name its own files alone: leave --allow-outside out$/],
    ['a.tar', { allowOutside: true }, /leave --allow-outside out$/],
    ['shards', { allowOutside: true, format: 'webdataset' }, /leave --allow-outside out$/],
    ['shards/*.tar', { allowOutside: true }, /leave --allow-outside out$/],
    ['a.parquet', { encoding: 'windows-1252' }, /a\.parquet: texts of parquet are UTF-8: leave --encoding out$/],
    ['photos', { encoding: 'windows-1252', captions: 'none' }, /photos: without captions no text is read: leave --encoding out$/],
    ['shards/*.tar', { encoding: 'windows-1252', captions: 'none' }, /leave --encoding out$/],
  ])('%s: %j', async (data, options, message) => {
    const folder = folderOf(await set());
    await expect(open(path.join(folder, data), options)).rejects.toThrow(message);
    await expect(open(path.join(folder, data), options)).rejects.toMatchObject({ name: 'DataError', code: 'invalid-argument' });
  });

  it('and heeded where it says something', async () => {
    const folder = folderOf(await set());
    for (const [data, options] of [
      ['photos', { allowOutside: true, encoding: 'windows-1252' }],
      ['a.parquet', { allowOutside: true, captions: 'none' }],
      ['shards/*.tar', { encoding: 'windows-1252' }],
      ['a.zip', { encoding: 'windows-1252', captions: 'none' }],
    ] as const)
      expect(await skipped(path.join(folder, data), options), data).toMatchObject({ problems: [] });
  });
});
