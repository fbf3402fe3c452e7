import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { zipOf, type ZipRecord } from '../../testing/zip.ts';
import { openImageSource } from '../image-source.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'zip-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const data = Buffer.from('x');
async function read(bytes: Buffer) {
  const file = path.join(root, 'a.zip');
  fs.writeFileSync(file, bytes);
  const source = await openImageSource(file);
  const entries: string[] = [];
  for await (const entry of source.entries()) entries.push(`${entry.name} = ${Buffer.from(entry.bytes).toString()}`);
  return { entries, skipped: source.skipped.text() };
}
const link = (name: string, to: string): ZipRecord => ({ name, data: Buffer.from(to), mode: 0o120777 });

describe('a zip', () => {
  it.each<[string, ZipRecord]>([
    ['in UTF-8, as it says', { name: 'caf\u00e9 \u6c34.png', data, flags: 0x800 }],
    ['in code page 437 by the standard', { name: Buffer.from('caf\x82.png', 'latin1'), data }],
    ['as Unix and macOS store them, in UTF-8 without saying so', { name: 'caf\u00e9.png', data, mode: 0o100644 }],
    ['in code page 437 where they are no UTF-8', { name: Buffer.from('caf\x82.png', 'latin1'), data, mode: 0o100644 }],
  ])('has names %s', async (_, record) => {
    expect((await read(zipOf([record]))).entries[0]).toMatch(/^caf\u00e9( \u6c34)?\.png = x$/);
  });

  it('is read with its symbolic links', async () => {
    const records = [{ name: 'a/1.png', data }, link('b/2.png', '../a/1.png'), link('b/3.png', '2.png'), link('folder', 'a')];
    expect(await read(zipOf(records))).toEqual({ entries: ['a/1.png = x', 'b/2.png = x', 'b/3.png = x'], skipped: 'folder' });
  });

  it.each<[string, ZipRecord, RegExp]>([
    [
      'a link that leads out of it',
      link('2.png', '../../etc/x.png'),
      /the link "2\.png" leads out of the archive, to \.\.\/\.\.\/etc\/x\.png/,
    ],
    ['a link that leads nowhere', link('2.png', '3.png'), /the link "2\.png" leads to 3\.png, which is no file in the archive/],
    ['an image that is encrypted', { name: '2.png', data, flags: 1 }, /2\.png is encrypted; unpack the archive with its password/],
    ['an image that is packed by another method', { name: '2.png', data, method: 93 }, /2\.png is packed by method 93, which is not read/],
    ['one name twice, once with ./', { name: './1.png', data }, /holds two files named 1\.png/],
  ])('is refused for %s', async (_, record, message) => {
    await expect(read(zipOf([{ name: '1.png', data }, record]))).rejects.toThrow(message);
  });

  it('is read whatever other files in it are packed by', async () => {
    expect(
      await read(
        zipOf([
          { name: '1.png', data },
          { name: 'notes', data, flags: 1 },
        ]),
      ),
    ).toMatchObject({ skipped: 'notes' });
  });

  // Written by Python's zipfile.
  it.each([
    [
      'zip64',
      'UEsDBC0AAAAIAAAAIQB459FC//////////8FABQAMS5wbmcBABAABQAAAAAAAAAFAAAAAAAAAKuoAAIAUEsBAi0DLQAAAAgAAAAhAHjn0UIFAAAABQAAAAUAAAAAAAAAAAAAAIABAAAAADEucG5nUEsFBgAAAAABAAEAMwAAADwAAAAAAA==',
    ],
    [
      'sizes behind the data',
      'UEsDBBQACAAIAAAAIQAAAAAAAAAAAAAAAAAFAAAAMS5wbmerqAACAFBLBwh459FCBQAAAAUAAABQSwECFAMUAAgACAAAACEAeOfRQgUAAAAFAAAABQAAAAAAAAAAAAAAgAEAAAAAMS5wbmdQSwUGAAAAAAEAAQAzAAAAOAAAAAAA',
    ],
    [
      'both',
      'UEsDBC0ACAAIAAAAIQAAAAAA//////////8FABQAMS5wbmcBABAAAAAAAAAAAAAAAAAAAAAAAKuoAAIAUEsHCHjn0UIFAAAAAAAAAAUAAAAAAAAAUEsBAi0DLQAIAAgAAAAhAHjn0UIFAAAABQAAAAUAAAAAAAAAAAAAAIABAAAAADEucG5nUEsFBgAAAAABAAEAMwAAAFQAAAAAAA==',
    ],
  ])('is read with %s', async (_, base64) => {
    expect((await read(Buffer.from(base64, 'base64'))).entries).toEqual(['1.png = xxxxx']);
  });
});
