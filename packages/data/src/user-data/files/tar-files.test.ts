import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tarOf } from '../../testing/archives.ts';
import { indexTar } from './tar-files.ts';

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'tar-files-'))));
afterAll(() => rmSync(root, { recursive: true }));

const index = async (cache: string): Promise<string[]> =>
  (await indexTar(at('a.tar'), { cache, keptFrom: 0 })).map(({ name, offset, size }) => `${name} ${offset} ${size}`);
const changedAt = (seconds: number): void => utimesSync(at('a.tar'), seconds, seconds);

it('what a large tar holds is listed once, for its path, size and time of change', async () => {
  const first = await tarOf([
    { name: 'a.txt', data: 'one' },
    { name: 'b.txt', data: 'two' },
  ]);
  const other = await tarOf([
    { name: 'c.txt', data: 'one' },
    { name: 'd.txt', data: 'two' },
  ]);
  expect(other.length).toBe(first.length);
  const expected = ['a.txt 512 3', 'b.txt 1536 3'];
  writeFileSync(at('a.tar'), first);
  changedAt(1000);
  expect(await index(at('cache'))).toEqual(expected);

  // Of the same size and time: the list is believed, the archive is not gone through.
  writeFileSync(at('a.tar'), other);
  changedAt(1000);
  expect(await index(at('cache'))).toEqual(expected);
  changedAt(1001);
  expect(await index(at('cache'))).toEqual(['c.txt 512 3', 'd.txt 1536 3']);

  const [listed] = readdirSync(at('cache', 'tar-index')).filter((name) => name.endsWith('.bin'));
  const file = at('cache', 'tar-index', listed!);
  const whole = readFileSync(file);
  for (const damaged of [whole.subarray(0, -9), Buffer.from(whole.toString().replace('512', '513')), Buffer.alloc(0)]) {
    writeFileSync(file, damaged);
    expect(await index(at('cache'))).toEqual(['c.txt 512 3', 'd.txt 1536 3']);
    expect(readFileSync(file).equals(whole)).toBe(true);
  }
});

it('of a tar that cannot be read nothing is kept, and a cache that cannot be written costs nothing', async () => {
  writeFileSync(at('a.tar'), 'no tar');
  await expect(index(at('other'))).rejects.toThrow(/a\.tar.*(no tar|cut short)/);
  expect(() => readdirSync(at('other', 'tar-index'))).toThrow();
  writeFileSync(at('a.tar'), await tarOf([{ name: 'a.txt', data: 'one' }]));
  writeFileSync(at('file'), 'in the place of a folder');
  expect(await index(at('file'))).toEqual(['a.txt 512 3']);
});
