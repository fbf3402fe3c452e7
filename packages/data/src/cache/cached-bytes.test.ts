import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedBytes } from './cached-bytes.ts';

const content = Uint8Array.of(1, 2, 3, 4);
let directory: string;
let built: number;

const get = (version = 1) =>
  cachedBytes(join(directory, 'deep', 'thing'), { version }, async () => {
    built++;
    return content;
  });
const path = (extension: string) => join(directory, 'deep', `thing.${extension}`);

beforeEach(async () => {
  built = 0;
  directory = await mkdtemp(join(tmpdir(), 'cached-bytes-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('built once, then read; no temporary file is left', async () => {
  expect([...(await get()).bytes]).toEqual([1, 2, 3, 4]);
  expect([...(await get()).bytes]).toEqual([1, 2, 3, 4]);
  expect(built).toBe(1);
  expect((await get()).sha256).toBe('9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a');
  expect((await readdir(join(directory, 'deep'))).sort()).toEqual(['thing.bin', 'thing.json']);
  expect(JSON.parse(await readFile(path('json'), 'utf8'))).toEqual({
    version: 1,
    sha256: '9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a',
  });
});

test.each([
  ['a truncated file', () => writeFile(path('bin'), Uint8Array.of(1, 2))],
  ['a damaged byte', () => writeFile(path('bin'), Uint8Array.of(1, 2, 3, 5))],
  ['an empty file', () => writeFile(path('bin'), '')],
  ['a missing file', () => rm(path('bin'))],
  ['a truncated sidecar', () => writeFile(path('json'), '{"version"')],
  ['a missing sidecar', () => rm(path('json'))],
])('%s is built again', async (_, damage) => {
  await get();
  await damage();
  expect([...(await get()).bytes]).toEqual([1, 2, 3, 4]);
  expect(built).toBe(2);
  await get();
  expect(built).toBe(2);
});

test('a file of another version is built again', async () => {
  await get(1);
  await get(2);
  expect(built).toBe(2);
});

test('builds that run at once leave one whole file', async () => {
  await Promise.all([get(), get(), get()]);
  const before = built;
  expect([...(await get()).bytes]).toEqual([1, 2, 3, 4]);
  expect(built).toBe(before);
});

test("a directory that cannot be made is the system's error", async () => {
  await writeFile(join(directory, 'deep'), 'a file in its place');
  await expect(get()).rejects.toThrow(/ENOTDIR|EEXIST/);
});
