import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFill50k } from '@controllab/fill50k';
import { encodePng } from '@controllab/report';
import { checkData } from './check.ts';
import { command } from './command.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'data-check-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

it('tells bad rows by number, duplicates and sizes, and writes a report', async () => {
  const data = path.join(root, 'circles');
  await writeFill50k(data, { size: 64, length: 12 });
  fs.copyFileSync(path.join(data, 'target', '3.png'), path.join(data, 'target', '4.png'));
  fs.writeFileSync(path.join(data, 'target', '7.png'), 'x');
  const out = path.join(root, 'report');
  const options = { data, resolution: 32, onBadRow: 'skip' } as const;
  const lines = await checkData(options, out, 'npx controllab data check');
  expect(lines[0]).toBe('11 pictures of 12 rows can be read; 1 cannot, 1 picture is there more than once.');
  expect(lines[1]).toMatch(/^ {2}prompt\.json, line 8: target\/7\.png cannot be decoded/);
  expect(fs.readFileSync(path.join(out, 'bad-rows.csv'), 'utf8')).toMatch(/"?prompt\.json, line 8/);
  expect(fs.readFileSync(path.join(out, 'same.csv'), 'utf8')).toMatch(/prompt\.json, line 4.*prompt\.json, line 5/);
  expect(fs.readFileSync(path.join(out, 'sizes.csv'), 'utf8')).toMatch(/width.*64.*64.*64/);
  expect(fs.existsSync(path.join(out, 'index.html'))).toBe(true);
  await checkData(options, out, 'npx controllab data check');
  await expect(checkData({ ...options, onBadRow: 'stop' }, out, '')).rejects.toThrow(/prompt\.json, line 8/);
});

it('reads the same pictures again where its report lies among them', async () => {
  const data = path.join(root, 'photos');
  fs.mkdirSync(data);
  for (const i of [0, 1]) fs.writeFileSync(path.join(data, `${i}.png`), await encodePng(new Uint8Array(3 * 16 * 16).fill(90 * i), 16, 16));
  const check = () => checkData({ data, resolution: 16, captions: 'none' }, path.join(data, 'data-check'), 'npx controllab data check');
  const first = await check();
  expect(first[0]).toMatch(/^2 pictures of 2 rows can be read/);
  expect((await check())[0]).toBe(first[0]);
});

it('counts aspect buckets, and what they cut off', async () => {
  const data = path.join(root, 'photos');
  fs.mkdirSync(data);
  // 3:2 three times, 1:3 once; 48 x 80 and 32 x 96 are the nearest to their proportions.
  for (const [i, [width, height]] of (
    [
      [120, 80],
      [60, 40],
      [90, 60],
      [30, 90],
    ] as const
  ).entries()) {
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, p) => (p * (i + 2)) % 251);
    fs.writeFileSync(path.join(data, `${i}.png`), await encodePng(rgb, width, height));
  }
  const out = path.join(root, 'report');
  await checkData({ data, resolution: 64, bucketStep: 16, captions: 'none' }, out, 'npx controllab data check');
  const rows = fs.readFileSync(path.join(out, 'buckets.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
  // 1 - (3/2) / (5/3) = 0.1 of each wide one, nothing of the tall one.
  expect(rows.map((row) => row.replaceAll('"', ''))).toEqual(['80 x 48,3,0.1', '32 x 96,1,0']);
});

it.each([
  [['--bucket-step=32'], /--bucket-step is for --aspect-buckets/],
  [['--captions=none', '--caption-column=text'], /--captions none reads no --caption-column/],
])('refuses what it would not heed: %j', async (argv, message) => {
  const out = path.join(root, 'report');
  await expect(command().parseAsync([`--data=${root}`, `--out=${out}`, ...argv], { from: 'user' })).rejects.toThrow(message);
  expect(fs.existsSync(out)).toBe(false);
});
