import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeAtomic } from './write-atomic.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'write-atomic-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('makes the folder, and leaves one whole file of several writers at once', async () => {
  const file = path.join(directory, 'deep', 'er', 'thing.txt');
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
  await Promise.all(texts.map((text) => writeAtomic(file, text)));
  expect(texts).toContain(readFileSync(file, 'utf8'));
  expect(readdirSync(path.dirname(file))).toEqual(['thing.txt']);
});

it('leaves what is there when it cannot write', async () => {
  const folder = path.join(directory, 'taken');
  mkdirSync(path.join(folder, 'inside'), { recursive: true });
  await expect(writeAtomic(folder, 'x')).rejects.toThrow();
  expect(readdirSync(directory).filter((name) => name.startsWith('taken'))).toEqual(['taken']);
});
