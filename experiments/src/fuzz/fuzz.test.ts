import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Cases, OUTCOMES, WRONG } from './case.ts';
import { fuzz } from './fuzz.ts';
import type { Target } from './target.ts';
import { TARGETS, targetNamed } from './targets.ts';

/** Of each parser: a second's worth. `npx controllab fuzz` reads more. */
const FILES = 40;

const root = mkdtempSync(path.join(os.tmpdir(), 'fuzz-test-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = (): string => mkdtempSync(path.join(root, 'x-'));

describe('damaged and hostile files', () => {
  it.each(TARGETS.map(({ name }) => name))('%s: are refused in words, or read with other values', async (name) => {
    const cases = await Cases.open(targetNamed(name), 1, folder());
    const wrong = [];
    for (let index = 0; index < FILES; index++) {
      const judged = await cases.run(index);
      // How long a case takes depends on what else the machine does: the command judges it, and what never ends runs into the test's limit.
      if (WRONG.includes(judged.outcome) && judged.outcome !== 'slow') wrong.push(judged);
    }
    expect(wrong).toEqual([]);
  });
});

describe('the fuzzer', () => {
  const sample = Buffer.from('{"a":1,"b":[2,"text"]}');
  const target = (read: Target['read']): Target => ({
    name: 'fake',
    text: true,
    samples: async () => [sample],
    place: async (place) => path.join(place, 'file'),
    read,
  });

  it('makes the same file of the same seed and index, and others of others', async () => {
    const file = async (seed: number, index: number) =>
      Buffer.from(
        (
          await Cases.open(
            target(async () => ({ structure: '', payload: '' })),
            seed,
            folder(),
          )
        ).file(index).bytes,
      ).toString('hex');
    expect(await file(1, 3)).toBe(await file(1, 3));
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => file(1, index)));
    expect(new Set(all).size).toBeGreaterThan(15);
    expect(await file(2, 3)).not.toBe(await file(1, 3));
  });

  it.each<[(typeof OUTCOMES)[number], Target['read']]>([
    ['refused', () => Promise.reject(Object.assign(new Error('no'), { code: 'invalid-file', values: {} }))],
    ['wrong class', () => Promise.reject(new TypeError('x is undefined'))],
    ['wrong class', () => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))],
    ['structure', async () => ({ structure: 'other', payload: '' })],
    ['values', async () => ({ structure: '', payload: 'other' })],
    ['same', async () => ({ structure: '', payload: '' })],
    ['memory', async () => ({ structure: String(Buffer.alloc(300 * 2 ** 20, 1).length), payload: '' })],
  ])('tells %s', async (outcome, read) => {
    let whole = true;
    const cases = await Cases.open(
      target((file) => {
        if (!whole) return read(file);
        whole = false;
        return Promise.resolve({ structure: '', payload: '' });
      }),
      1,
      folder(),
    );
    let index = 0;
    while (cases.file(index).how === 'truncated') index++;
    expect((await cases.run(index)).outcome).toBe(outcome);
  });

  it('reads in a process of its own and counts', async () => {
    const { files, counts, wrong } = await fuzz('training-log', { seed: 1, seconds: 60, files: 30 });
    expect([files, wrong]).toEqual([30, []]);
    expect(counts.refused + counts.same).toBe(30);
  });

  it('names the parsers there are', () => {
    expect(() => targetNamed('toString')).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});
