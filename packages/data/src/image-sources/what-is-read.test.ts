import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarOf } from '../testing/archives.ts';
import { zipOf } from '../testing/zip.ts';
import { openImageSource } from './image-source.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'read-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

type Files = Readonly<Record<string, string | Buffer>>;

/** The same files as a folder, a zip, a tar and a packed tar. */
const KINDS: Readonly<Record<string, (files: Files) => Promise<string>>> = {
  'a folder': async (files) => {
    const folder = path.join(root, 'set');
    for (const [name, data] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), data);
    }
    return folder;
  },
  'a zip': async (files) =>
    save('set.zip', zipOf(Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data), flags: 0x800 })))),
  'a tar': async (files) => save('set.tar', await tarOf(Object.entries(files).map(([name, data]) => ({ name, data })))),
  'a packed tar': async (files) =>
    save('set.tgz', gzipSync(await tarOf(Object.entries(files).map(([name, data]) => ({ name: `./${name}`, data }))))),
};

function save(name: string, bytes: Buffer): string {
  fs.writeFileSync(path.join(root, name), bytes);
  return path.join(root, name);
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');

describe.each(Object.entries(KINDS))('%s', (_, make) => {
  const open = async (files: Files) => {
    const { names, skipped } = await openImageSource(await make(files));
    return { names: names.toSorted(), skipped: skipped.text() };
  };

  it('is read without what is hidden or a system\u2019s, wherever it lies', async () => {
    const { names, skipped } = await open({
      'a/1.png': 'x',
      'a/.ipynb_checkpoints/1-checkpoint.png': 'x',
      'a/__MACOSX/b/1.png': 'x',
      'a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg': 'x',
      'a/._1.png': 'x',
      '.thumbnails/2.png': 'x',
      'a/.b.c/d/3.png': 'x',
      'a/_1/..4.png': 'x',
      'a/b.c/5.png': 'x',
    });
    expect(names).toEqual(['a/1.png', 'a/b.c/5.png']);
    expect(skipped).toMatch(/^hidden: /);
  });

  it('is read by content where names say nothing', async () => {
    const { names, skipped } = await open({
      '0a1b2c': PNG,
      'photo.jpg_large': Buffer.from('\xff\xd8\xff\xe0', 'latin1'),
      'scan.0001': Buffer.from('II*\0....', 'latin1'),
      'x.JPE': 'x',
      'y.jfif': 'x',
      readme: 'P6 is a format',
      BM: 'BMX is a sport, and this is a text about it',
      short: '',
      'copy.bak': PNG,
    });
    expect(names).toEqual(['0a1b2c', 'photo.jpg_large', 'scan.0001', 'x.JPE', 'y.jfif']);
    expect(skipped.split(', ').toSorted()).toEqual(['BM', 'copy.bak', 'readme', 'short']);
  });

  it('is refused by name for images that are not read, whatever their names', async () => {
    await expect(open({ 'a.png': 'x', 'b/IMG_1': Buffer.from('\0\0\0\x18ftypheic', 'latin1') })).rejects.toMatchObject({
      code: 'unsupported-image',
      message: expect.stringMatching(/b\/IMG_1: images of this kind cannot be decoded; convert them to PNG/) as string,
    });
    await expect(open({ 'a.png': 'x', 'a/IMG_1.CR2': 'x' })).rejects.toThrow(/IMG_1\.CR2: \.cr2 files cannot be decoded/);
  });

  it('is read without the files of reports in it, and with what else lies there', async () => {
    const manifest = JSON.stringify({ format: 'controllab-manifest-1', files: { 'index.html': '', 'images/row-1.png': '' } });
    const { names, skipped } = await open({
      '1.png': 'x',
      'report/manifest.json': manifest,
      'report/index.html': 'x',
      'report/images/row-1.png': 'x',
      'report/images/mine.png': 'x',
      'old/results.json': '{\n  "format": "controllab-report-1",\n',
      'old/images/grid/1.png': 'x',
      'old/2.png': 'x',
      'app/manifest.json': '{"name": "an application"}',
      'app/images/row-1.png': 'x',
    });
    expect(names).toEqual(['1.png', 'app/images/row-1.png', 'old/2.png', 'report/images/mine.png']);
    expect(skipped).toMatch(/of a report: /);
    const [, listed] = /of a report: ([^;]*)/.exec(skipped)!;
    expect(listed!.split(', ')).toEqual(
      expect.arrayContaining(['report/manifest.json', 'report/images/row-1.png', 'old/images/grid/1.png']),
    );
  });

  it('is read without contact sheets that are marked as such, whatever they are called', async () => {
    // Signature, a header of 2 x 1 pixels, and a text; checksums are not looked at.
    const marked = (keyword: string): Buffer => {
      const text = Buffer.from(`${keyword}\x004 pictures`, 'latin1');
      const length = Buffer.from([0, 0, 0, text.length]);
      return Buffer.concat([
        PNG.subarray(0, 8),
        Buffer.from('0000000d49484452000000020000000108020000000badbeef', 'hex'),
        length,
        Buffer.from('tEXt'),
        text,
        Buffer.alloc(4),
      ]);
    };
    const { names, skipped } = await open({
      '1.png': 'x',
      'sheet-1.png': marked('comment'),
      'sheet-2.png': PNG,
      'a/sheet-8.png': marked('controllab contact sheet'),
      'all.png': marked('controllab contact sheet'),
    });
    expect(names).toEqual(['1.png', 'sheet-1.png', 'sheet-2.png']);
    expect(skipped.split(', ').toSorted().join()).toMatch(
      /^(all\.png,contact sheets of generate: a\/sheet-8\.png|a\/sheet-8\.png,contact sheets of generate: all\.png)$/,
    );
  });

  it('of a report alone says what it is', async () => {
    const manifest = JSON.stringify({ format: 'controllab-manifest-1', files: { 'images/1.png': '' } });
    await expect(open({ 'manifest.json': manifest, 'images/1.png': 'x' })).rejects.toThrow(
      /there is no image in .*: it holds 2 other files \(of a report: /,
    );
  });

  it('names what it passed over as text', async () => {
    const { skipped } = await open({ '1.png': 'x', 'a\x1b[2J\u202e.txt': 'x' });
    expect(skipped).toBe('a [2J .txt');
  });
});

describe('a folder', () => {
  it('is refused for a pipe named like an image, and passes over one with another name', async () => {
    const folder = await KINDS['a folder']!({ '1.png': 'x' });
    fs.symlinkSync('nowhere', path.join(folder, 'latest'));
    fs.symlinkSync('latest', path.join(folder, 'newest.log'));
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    const { names, skipped } = await openImageSource(folder);
    expect([names, skipped.text()]).toEqual([['1.png'], 'latest, newest.log, pipe']);
    execFileSync('mkfifo', [path.join(folder, 'x.png')]);
    await expect(openImageSource(folder)).rejects.toThrow(/x\.png is a pipe, a socket or a device/);
  });

  it('is refused for a name that is not UTF-8', async () => {
    const folder = await KINDS['a folder']!({ '1.png': 'x' });
    fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.png')]), 'x');
    await expect(openImageSource(folder)).rejects.toThrow(/caf\ufffd\.png: its name is not UTF-8; rename it/);
  });
});
