import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFill50k } from '@controllab/fill50k';
import { checkData } from './check.ts';

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
