import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openImageSource, type ImageEntry } from './image-source.ts';
import { MAX_RATIO, RATIO_FROM_BYTES } from './limits.ts';
import { tarOf } from '../testing/archives.ts';
import { zipOf } from '../testing/zip.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'images-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const at = (name: string) => path.join(root, name);
/** Files by name; their contents are what they say. */
function put(files: Record<string, string | Buffer>): void {
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(at(name)), { recursive: true });
    fs.writeFileSync(at(name), data);
  }
}
async function readAll(file: string, only?: Set<string>) {
  const source = await openImageSource(at(file));
  const entries: ImageEntry[] = [];
  for await (const entry of source.entries(only)) entries.push(entry);
  return { source, entries, names: entries.map(({ name }) => name), contents: entries.map(({ bytes }) => Buffer.from(bytes).toString()) };
}
const data = Buffer.from('x');

describe('a folder', () => {
  it('is read with its subfolders in natural order; other files are counted and named', async () => {
    put({
      'a/img10.png': '10',
      'a/img2.PNG': '2',
      'a/img1.jpeg': '1',
      'a/deep/er/x.webp': 'x',
      'a/notes.txt': '',
      'a/.hidden.png': '',
      'a/deep/shard.tar': '',
    });
    fs.mkdirSync(at('elsewhere'));
    put({ 'elsewhere/linked.png': 'l' });
    fs.symlinkSync(at('elsewhere'), at('a/link'));
    fs.symlinkSync(at('a'), at('a/loop'));
    const { source, names, contents } = await readAll('a');
    expect(source).toMatchObject({ kind: 'folder', names });
    expect(names).toEqual(['deep/er/x.webp', 'img1.jpeg', 'img2.PNG', 'img10.png', 'link/linked.png']);
    expect(contents).toEqual(['x', '1', '2', '10', 'l']);
    expect(source.skipped).toMatchObject({ count: 3, examples: ['.hidden.png', 'notes.txt', expect.stringMatching(/shard\.tar$/)] });
    expect((await readAll('a', new Set(['img2.PNG']))).contents).toEqual(['2']);
  });

  it('without images says what it holds', async () => {
    fs.mkdirSync(at('none'));
    await expect(openImageSource(at('none'))).rejects.toThrow(/there is no image in .*none: it is empty/);
    put({ 'other/a.txt': '', 'other/b.csv': '' });
    await expect(openImageSource(at('other'))).rejects.toThrow(/no image in .*other: it holds 2 other files \(a\.txt, b\.csv\)/);
  });

  it('names images that cannot be decoded instead of passing them over', async () => {
    put({ 'a/x.png': '', 'a/y.heic': '' });
    await expect(openImageSource(at('a'))).rejects.toThrow(/y\.heic: \.heic files cannot be decoded; convert them to PNG/);
  });

  it('that is not there, or a link that leads nowhere, is named', async () => {
    await expect(openImageSource(at('nowhere'))).rejects.toThrow(/cannot open the images .*nowhere: ENOENT/);
    fs.mkdirSync(at('a'));
    fs.symlinkSync(at('gone.png'), at('a/x.png'));
    await expect(openImageSource(at('a'))).rejects.toMatchObject({ code: 'file-read', values: { file: 'x.png' } });
  });
});

describe('a zip', () => {
  it('is read in natural order; other files are counted and named', async () => {
    put({
      'a.zip': zipOf([
        { name: 'd/', data: Buffer.alloc(0) },
        { name: 'd/10.png', data: Buffer.from('ten') },
        { name: 'd/9.jpg', data: Buffer.from('nine') },
        { name: '__MACOSX/d/._9.jpg', data },
        { name: 'readme', data },
      ]),
    });
    const { source, names, contents } = await readAll('a.zip');
    expect(source).toMatchObject({ kind: 'zip', names });
    expect(names).toEqual(['d/9.jpg', 'd/10.png']);
    expect(contents).toEqual(['nine', 'ten']);
    expect(source.skipped).toMatchObject({ count: 2, examples: ['__MACOSX/d/._9.jpg', 'readme'] });
    expect((await readAll('a.zip', new Set(['d/10.png']))).contents).toEqual(['ten']);
  });

  it.each([
    ['names that lead out of it', [{ name: '../x.png', data }], /a\.zip is no zip archive that can be read: .*\.\.\/x\.png/],
    ['absolute names', [{ name: '/etc/x.png', data }], /\/etc\/x\.png/],
    [
      'a file that grows beyond its ratio',
      [{ name: 'x.png', data: Buffer.alloc(RATIO_FROM_BYTES + 1) }],
      new RegExp(`x\\.png unpacks from \\d+ to ${RATIO_FROM_BYTES + 1} bytes, \\d+ times its size; the limit is ${MAX_RATIO}`),
    ],
    ['a file that claims to be huge', [{ name: 'x.png', data, claimed: 0xf0000000 }], /x\.png unpacks to 4026531840 bytes, the limit is/],
    [
      'two files of one name',
      [
        { name: 'x.png', data },
        { name: 'x.png', data },
      ],
      /holds two files named x\.png/,
    ],
    ['no images', [{ name: 'x.txt', data }], /no image in .*a\.zip: it holds 1 other file \(x\.txt\)/],
  ])('is refused for %s', async (_, records, message) => {
    put({ 'a.zip': zipOf(records) });
    await expect(openImageSource(at('a.zip'))).rejects.toThrow(message);
  });

  it('is refused where a file unpacks to more than it claims, or is cut short', async () => {
    const whole = zipOf([{ name: 'x.png', data: Buffer.from('much more than one byte'), claimed: 1 }]);
    put({ 'a.zip': whole, 'cut.zip': whole.subarray(0, 40), 'text.zip': 'a text' });
    await expect(readAll('a.zip')).rejects.toThrow(/a\.zip: x\.png cannot be unpacked: too many bytes/);
    for (const name of ['cut.zip', 'text.zip']) await expect(openImageSource(at(name))).rejects.toMatchObject({ code: 'invalid-archive' });
  });
});

describe('a zip', () => {
  const whole = zipOf([
    { name: 'one.png', data: Buffer.from('first') },
    { name: 'two.png', data: Buffer.from('second') },
  ]);
  const changed = (change: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(whole);
    change(copy);
    return copy;
  };
  const list = whole.indexOf('PK\x01\x02', 0, 'latin1');

  it.each<[string, Buffer, RegExp]>([
    [
      'one byte of a file is another',
      changed((copy) => (copy[copy.indexOf('PK\x03\x04') + 30 + 7]! ^= 1)),
      /one\.png cannot be unpacked: /,
    ],
    ['its checksum is another', changed((copy) => (copy[list + 16]! ^= 1)), /a\.zip: one\.png cannot be unpacked: its checksum is wrong/],
    [
      'a listed name is another',
      changed((copy) => (copy[list + 46]! ^= 1)),
      /damaged: the file listed as nne\.png has another name where it lies/,
    ],
    [
      'it counts fewer files than it lists',
      changed((copy) => {
        copy.writeUInt16LE(1, copy.length - 14);
        copy.writeUInt16LE(1, copy.length - 12);
      }),
      /its list of files takes 106 bytes, the 1 files that it counts take 53/,
    ],
  ])('is refused where %s', async (_, contents, message) => {
    put({ 'a.zip': contents });
    await expect(readAll('a.zip')).rejects.toMatchObject({ code: 'invalid-archive', message: expect.stringMatching(message) as string });
  });
});

describe('a webdataset', () => {
  it('is streamed; a .txt of the same name is the caption', async () => {
    put({
      'a.tar': await tarOf([
        { name: '0/1.txt', data: 'first \n' },
        { name: '0/1.webp', data: 'one' },
        { name: '0/1.json', data: '{}' },
        { name: '0/2.jpg', data: 'two' },
        { name: '0/2.txt', data: 'second' },
        { name: '0/3.jpg', data: 'three' },
      ]),
    });
    const { source, entries, names } = await readAll('a.tar');
    expect(source).toMatchObject({ kind: 'webdataset', names, skipped: { count: 1, examples: ['0/1.json'] } });
    expect(names).toEqual(['0/1.webp', '0/2.jpg', '0/3.jpg']);
    expect(entries.map(({ caption }) => caption)).toEqual(['first', 'second', null]);
    // A second reading counts anew.
    for await (const { name } of source.entries()) expect(names).toContain(name);
    expect(source.skipped.count).toBe(1);
    expect((await readAll('a.tar', new Set(['0/2.jpg']))).names).toEqual(['0/2.jpg']);
  });

  it('may be a folder of shards', async () => {
    put({
      'shards/10.tar': await tarOf([{ name: 'a.png', data: 'c' }]),
      'shards/9.tar': await tarOf([
        { name: 'a.png', data: 'a' },
        { name: 'b.png', data: 'b' },
      ]),
    });
    const { source, names, contents } = await readAll('shards');
    expect(source.kind).toBe('webdataset');
    expect(names).toEqual(['9.tar/a.png', '9.tar/b.png', '10.tar/a.png']);
    expect(contents).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['names that lead out of it', () => tarOf([{ name: '../x.png', data }]), /the entry "\.\.\/x\.png" leads out of the archive/],
    ['absolute names', () => tarOf([{ name: '/etc/x.png', data }]), /leads out of the archive/],
    [
      'two files of one name',
      () =>
        tarOf([
          { name: 'x.png', data },
          { name: 'x.png', data },
        ]),
      /holds two files named x\.png/,
    ],
    [
      'a caption the size of a book',
      () => tarOf([{ name: 'x.txt', data: Buffer.alloc(70_000) }]),
      /x\.txt has 70000 bytes, the limit is 65536/,
    ],
    [
      'a file that has become zeros in its middle',
      async () => {
        const whole = await tarOf(['a', 'b', 'c'].map((name) => ({ name: `${name}.png`, data: 'x' })));
        return whole.fill(0, 1024, 2048);
      },
      /a\.tar ends at byte 1024, but something follows at byte 2048/,
    ],
    [
      'being cut short between two of its files',
      async () => (await tarOf(['a', 'b'].map((name) => ({ name: `${name}.png`, data: 'x' })))).subarray(0, 1024),
      /a\.tar is cut short: it ends at byte 1024 without all of the zeros that end a tar/,
    ],
    [
      'being two',
      async () => Buffer.concat([await tarOf([{ name: 'a.png', data: 'x' }]), await tarOf([{ name: 'b.png', data: 'y' }])]),
      /ends at byte 1024, but something follows at byte 2048: it is damaged, or several archives were put together/,
    ],
    ['no images', () => tarOf([{ name: 'x.cls', data }]), /no image in .*a\.tar: it holds 1 other file \(x\.cls\)/],
    ['being a text', () => Promise.resolve(Buffer.from('no archive at all'.repeat(100))), /a\.tar is damaged, cut short or no tar archive/],
    [
      'being cut short',
      async () => (await tarOf([{ name: 'x.png', data: Buffer.alloc(5000) }])).subarray(0, 2000),
      /a\.tar is cut short: it ends at byte 2000/,
    ],
  ])('is refused for %s', async (_, contents, message) => {
    put({ 'a.tar': await contents() });
    await expect(readAll('a.tar')).rejects.toThrow(message);
  });
});

it('other archives are named with what to do', async () => {
  put({ 'a.tar.xz': '', 'a.png': '' });
  await expect(openImageSource(at('a.tar.xz'))).rejects.toThrow(
    /a\.tar\.xz is neither a folder nor a \.zip, \.tar, \.tar\.gz or \.tgz; unpack it first/,
  );
  await expect(openImageSource(at('a.png'))).rejects.toThrow(/a\.png is neither a folder nor a \.zip, \.tar, \.tar\.gz or \.tgz$/);
});
