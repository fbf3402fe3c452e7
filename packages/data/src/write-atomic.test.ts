import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

it('keeps the old file and names it when the system takes no more bytes', () => {
  const file = path.join(directory, 'limited', 'report.json');
  mkdirSync(path.dirname(file));
  writeFileSync(file, 'old');
  const program = `
    const { writeAtomic } = await import(${JSON.stringify(path.join(import.meta.dirname, 'write-atomic.ts'))});
    await writeAtomic(${JSON.stringify(file)}, Buffer.alloc(100_000)).catch(({ code, path }) => console.log(code, path));
  `;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', program];
  // A limit of 16 blocks of 512 or 1,024 bytes: it ends a write halfway, as a full disk does.
  const { stdout, stderr } = spawnSync('bash', ['-c', 'ulimit -f 16; exec "$@"', 'bash', ...node], { encoding: 'utf8' });
  expect(stdout, stderr).toBe(`EFBIG ${file}\n`);
  expect(readFileSync(file, 'utf8')).toBe('old');
  expect(readdirSync(path.dirname(file))).toEqual(['report.json']);
});
