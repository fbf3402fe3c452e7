import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemProblem } from './system-problem.ts';

/** What a call throws. */
const thrown = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

it('says which path, what is wrong and what to do, also of what caused an error', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'problem-'));
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  expect(systemProblem(thrown(() => readFileSync(path.join(folder, 'none'))))).toBe(
    `${folder}/none: there is no such file or folder. Check its name.`,
  );
  const inFile = thrown(() => mkdirSync(path.join(file, 'sub')));
  expect(systemProblem(new Error('cannot write', { cause: inFile }))).toBe(
    `${file}/sub: a file lies where a folder is needed. Name another place, or move the file away.`,
  );
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(systemProblem(full)).toBe('A file: no space is left on the disk. Free some and run the same command again.');
  rmSync(folder, { recursive: true });
});

it('says nothing of other errors', () => {
  expect(systemProblem(new TypeError('x is undefined'))).toBeNull();
  expect(systemProblem(Object.assign(new Error('x'), { code: 'toString' }))).toBeNull();
  expect(systemProblem('text')).toBeNull();
});
