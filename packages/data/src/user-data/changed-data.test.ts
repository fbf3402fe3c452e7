import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../dataset.ts';
import { tarOf } from '../testing/archives.ts';
import { writeFiles } from '../testing/user-formats.ts';
import { openUserData } from './user-data.ts';

let root: string;
let picture: Buffer;
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'changed-'));
  picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#204060' } })
    .png()
    .toBuffer();
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const folder = (name: string, more: Record<string, Buffer | string> = {}): string =>
  writeFiles(path.join(root, name), { 'a.png': picture, 'a.txt': 'one', 'b.png': picture, 'b.txt': 'two', ...more });

describe('data that a worker opens again', () => {
  it('is refused once files have come, gone or changed: rows are told by their numbers', async () => {
    for (const [name, change] of [
      ['come', (at: string) => (fs.writeFileSync(path.join(at, 'aa.png'), picture), fs.writeFileSync(path.join(at, 'aa.txt'), 'new'))],
      ['gone', (at: string) => fs.rmSync(path.join(at, 'a.txt'))],
      ['other', (at: string) => fs.writeFileSync(path.join(at, 'b.txt'), 'another text')],
    ] as const) {
      const data = folder(name);
      const { reference } = await openUserData({ data, resolution: 8, onBadRow: 'skip' });
      expect((await openDataset(reference)).length).toBe(2);
      change(data);
      await expect(openDataset(reference), name).rejects.toMatchObject({ code: 'data-changed' });
    }
  });

  it('has no other row stand in for one that can no longer be read', async () => {
    const data = folder('unreadable');
    const { reference } = await openUserData({ data, resolution: 8, onBadRow: 'skip' });
    const again = await openDataset(reference);
    fs.rmSync(path.join(data, 'a.png'));
    await expect(again.example(0)).rejects.toMatchObject({ code: 'data-changed', message: expect.stringContaining('a.png') as string });
  });
});

it('shows a control black where its picture is transparent, as generate does', async () => {
  const raw = { raw: { width: 8, height: 8, channels: 4 as const } };
  const clear = await sharp(Buffer.from(Array.from({ length: 64 }, () => [255, 255, 255, 0]).flat()), raw)
    .png()
    .toBuffer();
  const data = folder('clear', { 'a.condition.png': clear, 'b.condition.png': clear });
  const example = await (await openUserData({ data, resolution: 8 })).example(0);
  expect([...new Set(example.condition('column').rgb)]).toEqual([0]);
});

it('takes no archive that was left among pictures with captions for all of them', async () => {
  const data = folder('left', {
    'old.tar': await tarOf([
      { name: 'x.png', data: picture },
      { name: 'x.txt', data: Buffer.from('x') },
    ]),
  });
  await expect(openUserData({ data, resolution: 8 })).rejects.toMatchObject({
    code: 'ambiguous-format',
    message: expect.stringMatching(/old\.tar: say which is meant with --data-format folder/) as string,
  });
  expect((await openUserData({ data, resolution: 8, format: 'folder' })).length).toBe(2);
});

it('says what a pattern can name', async () => {
  const data = writeFiles(path.join(root, 'tables'), { 'part-1.csv': 'image,text\na.png,one', 'part-2.csv': 'image,text\na.png,one' });
  await expect(openUserData({ data: path.join(data, 'part-*.csv'), resolution: 8 })).rejects.toMatchObject({
    code: 'ambiguous-format',
    message: expect.stringContaining('part-1.csv: a pattern names parquet files or tars') as string,
  });
});

it('tells shards of one name by their folders', async () => {
  const shard = await tarOf([
    { name: '1.png', data: picture },
    { name: '1.txt', data: Buffer.from('x') },
  ]);
  const data = writeFiles(path.join(root, 'shards'), { 'cats/0.tar': shard, 'dogs/0.tar': shard });
  const set = await openUserData({ data, resolution: 8 });
  expect((await Promise.all([0, 1].map((i) => set.example(i)))).map(({ where }) => where)).toEqual([
    'cats/0.tar, sample 1',
    'dogs/0.tar, sample 1',
  ]);
});

it('finds columns that the first object lacks', async () => {
  const lines = [{ image: 'a.png' }, { image: 'a.png', text: 'one' }, { image: 'b.png', text: 'two' }].map((row) => JSON.stringify(row));
  const data = writeFiles(path.join(root, 'late'), { 'a.png': picture, 'b.png': picture, 'rows.jsonl': lines.join('\n') });
  const set = await openUserData({ data, resolution: 8, onBadRow: 'skip' });
  expect([set.length, set.problems.map(({ where }) => where)]).toEqual([2, [expect.stringContaining('line 1')]]);
});
