import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAtlas, type Atlas } from './load-atlas.ts';
import type { Style } from './style.ts';

let directory: string;
let first: Atlas;
const bin = () => join(directory, 'emoji-scenes-fluent.bin');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'emoji-scenes-'));
  first = await loadAtlas('fluent', directory);
});
afterAll(() => rm(directory, { recursive: true }));

test('an atlas has three levels of 633 cells, line art in openmoji only, on memory that threads share', () => {
  expect(first.rgba.map((level) => level.length)).toEqual([633 * 64 * 64 * 4, 633 * 32 * 32 * 4, 633 * 16 * 16 * 4]);
  expect(first.line).toBeNull();
  const posted = structuredClone(first);
  const kept = first.rgba[2]![0]!;
  first.rgba[2]![0] = kept ^ 1;
  expect(posted.rgba[2]![0]).toBe(kept ^ 1);
  first.rgba[2]![0] = kept;
});

test('the sidecar says what the file was made from', async () => {
  const { style, versions, hexcodes, sha256 } = JSON.parse(await readFile(join(directory, 'emoji-scenes-fluent.json'), 'utf8'));
  expect(style).toBe('fluent');
  expect(versions['@iconify-json/fluent-emoji-flat']).toBe('1.2.6');
  expect(hexcodes).toHaveLength(633);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('two processes that find a truncated file and build at once leave one whole atlas', async () => {
  await truncate(bin(), 1000);
  const script = `import(${JSON.stringify(new URL('./load-atlas.ts', import.meta.url).href)}).then((m) => m.loadAtlas('fluent', process.argv[1]))`;
  const build = () => promisify(execFile)(process.execPath, ['--conditions=controllab', '--import', 'tsx', '-e', script, directory]);
  await Promise.all([build(), build()]);
  expect(Buffer.compare(await readFile(bin()), first.rgba[0]!)).toBe(0);
  expect((await readdir(directory)).sort()).toEqual(['emoji-scenes-fluent.bin', 'emoji-scenes-fluent.json']);
  const again = await loadAtlas('fluent', directory);
  expect(Buffer.compare(again.rgba[0]!, first.rgba[0]!)).toBe(0);
});

test('an unknown style is an error that lists the styles', async () => {
  await expect(loadAtlas('apple' as Style, directory)).rejects.toThrow('Unknown style "apple". Styles: openmoji, twemoji, noto, fluent.');
});
