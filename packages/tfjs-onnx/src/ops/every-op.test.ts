import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OPS } from './index.ts';

it('every op that has a lowering stands by name in a test of this folder, with values', () => {
  const folder = new URL('.', import.meta.url);
  const tests = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const named = new Set(tests.match(/[\w.]+/g));
  expect([...OPS.keys()].filter((name) => !named.has(name))).toEqual([]);
});
