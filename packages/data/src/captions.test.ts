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
const read = (text: string | Uint8Array, encoding?: string) => {
  fs.writeFileSync(file, text);
  return readCaptions(file, encoding);
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

  it('reads what spreadsheets separate by semicolons or tabs', async () => {
    const expected = new Map([['1.png', ['a cat, old']]]);
    expect(await read('file;caption\n1.png;a cat, old\n')).toEqual(expected);
    expect(await read('sep=\t\r\nfile\tcaption\r\n1.png\ta cat, old\r\n')).toEqual(expected);
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

  it('decodes by the byte order mark, by the encoding that was declared, or strictly as UTF-8', async () => {
    const cp1252 = Buffer.from('file,caption\na.png,a dog\nb.png,a caf\xe9 on a pi\xf1ata\n', 'latin1');
    await expect(read(cp1252)).rejects.toMatchObject({
      code: 'invalid-text',
      message: `${file}: line 3 is no text in utf-8: byte 36 is 0xe9; save it as UTF-8, or declare its encoding, such as windows-1252`,
    });
    expect([...(await read(cp1252, 'windows-1252')).values()]).toEqual([['a dog'], ['a caf\u00e9 on a pi\u00f1ata']]);
    expect([...(await read(Buffer.from('\ufefffile,caption\r\na.png,\u6c34\r\n', 'utf16le'))).values()]).toEqual([['\u6c34']]);
    // "猫" in Shift JIS.
    expect([...(await read(Buffer.from('file,caption\na.png,\x94\x4c\n', 'latin1'), 'shift_jis')).values()]).toEqual([['\u732b']]);
  });

  it.each<[string, string, string | undefined, RegExp]>([
    ['UTF-16 without a mark', 'f\0i\0l\0e\0', undefined, /line 1 is no text in utf-8: it holds zeros, as UTF-16 does/],
    ['a letter that is cut short', 'file,caption\na.png,caf\xc3', undefined, /line 2 is no text in utf-8: byte 22 is 0xc3/],
    [
      'what is not in the declared encoding either',
      'file,caption\n\na.png,\xff\xff\n',
      'shift_jis',
      /line 3 is no text in shift_jis: byte 20 is 0xff$/,
    ],
    ['an encoding that is not known', 'file,caption\na.png,x\n', 'klingon', /"klingon" is no encoding of texts that is known here/],
  ])('refuses %s', async (_, text, encoding, message) => {
    await expect(read(Buffer.from(text, 'latin1'), encoding)).rejects.toThrow(message);
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
  it('matches names that are the same in Unicode, composed or decomposed, and with ./ in front', async () => {
    const [composed, decomposed] = ['caf\u00e9/\ud55c.png', 'cafe\u0301/\u1112\u1161\u11ab.png'];
    for (const [inTable, inSet] of [
      [composed, decomposed],
      [decomposed, composed],
      [`./${decomposed}`, composed],
    ] as const)
      expect(matchCaptions('images/', [inSet], await read(`file,caption\n${inTable},a cup\n`))).toEqual([['a cup']]);
    expect(() => matchCaptions('images/', [composed, decomposed], captions)).toThrow(/are the same name in other bytes \(Unicode NFC\)/);
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
