import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarOf, type TarFile } from '../../testing/archives.ts';
import { openImageSource, type ImageSourceOptions } from '../image-source.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'webdataset-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const file = (name: string, data: string | Buffer = name): TarFile => ({ name, data });
const save = (name: string, bytes: Buffer): string => {
  fs.writeFileSync(path.join(root, name), bytes);
  return path.join(root, name);
};
/** Names with contents and captions. */
async function read(place: string, options?: ImageSourceOptions) {
  const source = await openImageSource(place, options);
  const entries: string[] = [];
  for await (const { name, bytes, caption } of source.entries())
    entries.push(`${name} = ${Buffer.from(bytes).toString()}${caption === null ? '' : `, ${caption}`}`);
  expect(entries.map((text) => text.split(' = ')[0])).toEqual(source.names);
  return { entries, skipped: source.skipped.text() };
}

describe.each([
  ['a tar', async (files: readonly TarFile[]) => save('a.tar', await tarOf(files))],
  ['a packed tar', async (files: readonly TarFile[]) => save('a.tar.gz', gzipSync(await tarOf(files)))],
])('%s', (_, make) => {
  it('is read with its links, hard and symbolic, forwards and backwards, over several', async () => {
    const { entries, skipped } = await read(
      await make([
        { name: 'early.png', type: 'symlink', linkname: 'b/2.png' },
        file('a/1.png'),
        { name: 'hard.png', type: 'link', linkname: 'a/1.png' },
        { name: 'b/soft.png', type: 'symlink', linkname: '../a/./1.png' },
        file('b/2.png'),
        { name: 'twice.png', type: 'symlink', linkname: 'b/soft.png' },
        { name: 'twice.txt', type: 'symlink', linkname: 'b/2.txt' },
        file('b/2.txt', 'two'),
        { name: 'folder', type: 'symlink', linkname: 'b' },
        { name: 'out.txt', type: 'symlink', linkname: '/etc/hostname' },
      ]),
    );
    expect(entries.toSorted()).toEqual([
      'a/1.png = a/1.png',
      'b/2.png = b/2.png, two',
      'b/soft.png = a/1.png',
      'early.png = b/2.png',
      'hard.png = a/1.png',
      'twice.png = a/1.png, two',
    ]);
    expect(skipped).toBe('folder, out.txt');
  });

  it.each([
    ['out of the archive', '../../x.png', /the link "a\/x\.png" leads out of the archive, to \.\.\/x\.png/],
    ['to a file of the system', '/etc/x.png', /the link "a\/x\.png" leads out of the archive, to \/etc\/x\.png/],
    ['nowhere', 'y.png', /the link "a\/x\.png" leads to a\/y\.png, which is no file in the archive/],
    ['to itself', 'x.png', /the link "a\/x\.png" leads in a circle/],
  ])('is refused for a link that leads %s', async (__, linkname, message) => {
    await expect(read(await make([file('1.png'), { name: 'a/x.png', type: 'symlink', linkname }]))).rejects.toThrow(message);
  });

  it('is refused for sparse files, which would be read as others', async () => {
    const sparse = { ...file('GNUSparseFile.0/x.png'), pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' } };
    await expect(read(await make([sparse]))).rejects.toMatchObject({
      code: 'unsupported-archive',
      message: expect.stringMatching(/x\.png is a sparse file/) as string,
    });
  });

  it('has long names, and names in UTF-8', async () => {
    const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'\u00fc'.repeat(60)}.png`;
    expect((await read(await make([file(long, 'x')]))).entries).toEqual([`${long} = x`]);
  });

  it('has samples whose keys end at the first dot of the base name; a text of the picture\u2019s own name comes first', async () => {
    const files = [
      'a.b/1.left.png',
      'a.b/1.txt',
      'a.b/1.json',
      'a/2.png',
      'a/2.5.txt',
      'b/3.5.png',
      'b/3.5.txt',
      'b/3.txt',
      '4.png',
      '5.txt',
    ];
    const { entries, skipped } = await read(await make(files.map((name) => file(name))));
    expect(entries).toEqual([
      'a.b/1.left.png = a.b/1.left.png, a.b/1.txt',
      'a/2.png = a/2.png',
      'b/3.5.png = b/3.5.png, b/3.5.txt',
      '4.png = 4.png',
    ]);
    expect(skipped).toBe('a.b/1.json, a/2.5.txt, b/3.txt, 5.txt');
  });

  it('has components that are chosen by name where a sample has several pictures', async () => {
    const place = await make(['1.jpg', '1.seg.png', '1.txt', '2.JPG', '2.seg.png', '2.txt'].map((name) => file(name)));
    await expect(read(place)).rejects.toMatchObject({
      code: 'ambiguous-component',
      message: expect.stringMatching(/the sample 1 has several pictures \(jpg, seg\.png\): name the component that is meant/) as string,
    });
    expect(await read(place, { component: 'jpg' })).toEqual({
      entries: ['1.jpg = 1.jpg, 1.txt', '2.JPG = 2.JPG, 2.txt'],
      skipped: 'other pictures of samples: 1.seg.png, 2.seg.png',
    });
    expect((await read(place, { component: 'seg.png' })).entries).toEqual(['1.seg.png = 1.seg.png, 1.txt', '2.seg.png = 2.seg.png, 2.txt']);
    expect((await read(place, { component: '*' })).entries).toHaveLength(4);
    await expect(read(place, { component: 'webp' })).rejects.toThrow(/has no pictures \*\.webp; it has jpg, seg\.png/);
  });

  it('of nothing but pictures is no webdataset: all are meant', async () => {
    expect((await read(await make(['cfg7.5_1.png', 'cfg7.5_2.png', 'cfg7.0_1.png'].map((name) => file(name))))).entries).toHaveLength(3);
  });

  it('has captions in UTF-8, or in the encoding that was declared, if they are asked for', async () => {
    const place = await make([file('1.png'), file('1.txt', Buffer.from('a caf\xe9', 'latin1'))]);
    await expect(read(place)).rejects.toMatchObject({
      code: 'invalid-text',
      message: expect.stringMatching(/1\.txt: line 1 is no text in utf-8: byte 5 is 0xe9/) as string,
    });
    expect((await read(place, { encoding: 'windows-1252' })).entries).toEqual(['1.png = 1.png, a caf\u00e9']);
    expect((await read(place, { captions: false })).entries).toEqual(['1.png = 1.png']);
  });
});

describe('a packed tar', () => {
  it('is refused where it is cut short, damaged, or unpacks to far more than it is', async () => {
    const whole = gzipSync(await tarOf([file('1.png', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 31) % 251)))]));
    await expect(read(save('cut.tgz', whole.subarray(0, -20)))).rejects.toThrow(/cut\.tgz is damaged, cut short or no tar archive/);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 6]! ^= 1;
    await expect(read(save('damaged.tgz', damaged))).rejects.toThrow(/damaged\.tgz is damaged/);
    const bomb = gzipSync(await tarOf([file('1.bin', Buffer.alloc(64 * 2 ** 20))]));
    await expect(read(save('bomb.tgz', bomb))).rejects.toMatchObject({ code: 'archive-limit' });
  });
});
