import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matchCaptions, readCaptions } from './captions.ts';

let file: string;
beforeAll(() => {
  file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'captions-')), 'captions.csv');
});
afterAll(() => fs.rmSync(path.dirname(file), { recursive: true }));
const read = (text: string) => {
  fs.writeFileSync(file, text);
  return readCaptions(file);
};

describe('readCaptions', () => {
  it('reads quoted captions, other columns, any order of columns and a byte order mark', async () => {
    expect(await read('\ufeffid,caption,file\r\n1,"a cat, ""big""\nand old",a/1.png\r\n\r\n2, a dog ,2.png\r\n')).toEqual(
      new Map([
        ['a/1.png', ['a cat, "big"\nand old']],
        ['2.png', ['a dog']],
      ]),
    );
  });

  it('reads several captions of an image, as COCO has them', async () => {
    expect(await read('file,caption\n1.png,a cat\n2.png,a dog\n1.png,an old cat\n')).toEqual(
      new Map([
        ['1.png', ['a cat', 'an old cat']],
        ['2.png', ['a dog']],
      ]),
    );
  });

  it.each([
    [
      'another header',
      'image,text\n1.png,a cat\n',
      /captions\.csv: expected a header with the columns file and caption, found image, text/,
    ],
    ['nothing', '', /found nothing/],
    ['a caption given twice', 'file,caption\n1.png,a\n2.png,b\n1.png,a\n', /row 4 gives 1\.png the same caption for a second time/],
    ['an empty caption', 'file,caption\n1.png," "\n', /row 2 has no caption for 1\.png/],
    ['a last row cut short in its caption', 'file,caption\n1.png,a\n2.png,a bi', /its last row does not end with a line break/],
    ['a last row cut short in its name', 'file,caption\n1.png,a\n2.p', /is no CSV table/],
    ['a last row cut short in quotes', 'file,caption\n1.png,a\n2.png,"a b', /is no CSV table: Quote Not Closed/],
    ['rows of other lengths', 'file,caption\n1.png,a,b\n', /is no CSV table: Invalid Record Length/],
  ])('refuses %s', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('names a file that is not there', async () => {
    await expect(readCaptions('nowhere.csv')).rejects.toThrow(/nowhere\.csv: cannot be read: ENOENT/);
  });
});

describe('matchCaptions', () => {
  const captions = new Map([
    ['a', ['1', 'one']],
    ['b', ['2']],
  ]);
  it('brings captions into the order of the images', () => {
    expect(matchCaptions('images/', ['b', 'a'], captions)).toEqual([['2'], ['1', 'one']]);
  });
  it('names images without a caption and captions without an image', () => {
    expect(() => matchCaptions('images/', ['a', 'c', 'd'], captions)).toThrow(
      'images/: the captions do not fit the images: 2 of 3 images have none: c, d; 1 of 2 name no image: b',
    );
    expect(() => matchCaptions('images/', ['a'], captions)).toThrow('images/: the captions do not fit the images: 1 of 2 name no image: b');
    expect(() =>
      matchCaptions(
        'images/',
        Array.from({ length: 9 }, (_, i) => String(i)),
        new Map(),
      ),
    ).toThrow('9 of 9 images have none: 0, 1, 2, 3, 4, ... (9)');
  });
});
