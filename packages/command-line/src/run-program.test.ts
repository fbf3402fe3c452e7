import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CommandLineError } from './errors.ts';
import { runProgram } from './run-program.ts';

let said: string;
beforeEach(() => {
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

it('prints the message alone of errors that say what is wrong', async () => {
  await runProgram(() => Promise.reject(new CommandLineError('invalid-option', 'Give --width and --height together.')));
  expect([said, process.exitCode]).toEqual(['\nGive --width and --height together.\n', 1]);
});

it('keeps the stack of mistakes of ours, also of those that Node found', async () => {
  await runProgram(async () => void (await import('node:fs')).readFileSync({} as string));
  expect(said).toMatch(/TypeError.*must be of type string.*\n\s+at /);
  await runProgram(() => Promise.reject(new TypeError('x is not a function')));
  expect(said).toMatch(/TypeError: x is not a function\n\s+at /);
});

it('says of a refusal by the system which path, what is wrong and what to do', async () => {
  const { readFileSync } = await import('node:fs');
  await runProgram(async () => void readFileSync('/proc/self/none'));
  expect(said).toBe('\n/proc/self/none: there is no such file or folder. Check its name.\n');
  said = '';
  const readOnly = Object.assign(new Error('EROFS: read-only file system, mkdir'), { code: 'EROFS', syscall: 'mkdir', path: '/cd/out' });
  await runProgram(() => Promise.reject(readOnly));
  expect(said).toBe('\n/cd/out: the file system is read-only. Name a folder that can be written to.\n');
});

it('lets no name from outside move the cursor', async () => {
  await runProgram(() => Promise.reject(new CommandLineError('invalid-option', 'first line:\nca\x1b[2J\x9bt\u202e.png')));
  expect(said).toBe('\nfirst line:\nca [2J t .png\n');
});

it('says nothing of work that is done', async () => {
  await runProgram(async () => {});
  expect([said, process.exitCode]).toEqual(['', undefined]);
});
