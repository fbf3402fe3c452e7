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

it('says nothing of work that is done', async () => {
  await runProgram(async () => {});
  expect([said, process.exitCode]).toEqual(['', undefined]);
});
