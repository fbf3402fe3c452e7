import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { openaiTokenizer } from './openai-merges.ts';
import { captionTokenizer, readCaptionTokenizer } from './tokenizer.ts';
import { embedCaptions } from './towers.ts';

const MERGES = '#version: 0.2\nc a\nca t</w>\nd o\ndo g</w>\nÃ ©</w>\n';
// Ids: 256 bytes in CLIP's order ("!" is 0, "a" 64), the same at the end of a word from 256 on, merges from 512 on, then the marks.
const [CA, CAT, DOG, E_ACUTE, START, END] = [512, 513, 515, 516, 517, 518] as const;
const letter = (character: string) => character.charCodeAt(0) - 33;
const last = (character: string) => 256 + letter(character);

const idsOf = (caption: string, context = 16) => {
  const { ids } = captionTokenizer(openaiTokenizer(MERGES), context).encode([caption]);
  return [...ids.data];
};
const padded = (ids: number[], context = 16) => [...ids, ...new Array<number>(context - ids.length).fill(0)];

describe('captionTokenizer with merges', () => {
  it.each([
    ['cat dog', [CAT, DOG]],
    ['  A\tCat\n', [last('a'), CAT]],
    ['cats', [CA, letter('t'), last('s')]],
    ["dog's cat!?", [DOG, letter("'"), last('s'), CAT, letter('!'), last('?')]],
    ['do 42', [letter('d'), last('o'), last('4'), last('2')]],
    // é is the bytes C3 A9, composed or not; the characters Ã and © stand for them
    ['\u00e9 e\u0301', [E_ACUTE, E_ACUTE]],
    ['', []],
  ])('%j', (caption, want) => {
    expect(idsOf(caption)).toEqual(padded([START, ...want, END]));
  });

  it('keeps the end mark of captions over the context, and says which they were', () => {
    const tokenizer = captionTokenizer(openaiTokenizer(MERGES), 5);
    const { ids, truncated } = tokenizer.encode(['cat cat cat', 'cat cat cat cat', 'dog', 'dog '.repeat(100)]);
    expect(ids.shape).toEqual([4, 5]);
    expect([...ids.data]).toEqual([START, CAT, CAT, CAT, END, START, CAT, CAT, CAT, END, START, DOG, END, 0, 0, START, DOG, DOG, DOG, END]);
    expect(truncated).toEqual([1, 3]);
  });

  it('numbers a full merges file as openai/CLIP does', () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `x${i} y`);
    const { model, added_tokens: marks } = openaiTokenizer(['#version', ...lines].join('\n')) as {
      model: { merges: string[] };
      added_tokens: { id: number }[];
    };
    expect(model.merges).toHaveLength(48_894);
    expect(marks.map(({ id }) => id)).toEqual([49406, 49407]);
  });
});

it('knows how many tokens it has, and a text tower of another vocabulary refuses it', async () => {
  const tokenizer = captionTokenizer(openaiTokenizer(MERGES), 16);
  expect(tokenizer.vocabulary).toBe(END + 1);
  const text = {
    weightsHash: '',
    context: 16,
    vocabulary: 49408,
    dimension: 1,
    batchSize: 1,
    run: async () => new Float32Array(1),
    release: async () => {},
  };
  const towers = { name: 'CLIP', tokenizer, text, image: {} as FeatureExtractor };
  await expect(embedCaptions(towers, ['a cat'])).rejects.toThrow(
    'CLIP: the tokenizer has 519 tokens, the text tower 49408: it is another model',
  );
});

describe('readCaptionTokenizer', () => {
  let directory: string;
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizer-'));
  });
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, contents: string | Buffer) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, contents);
    return file;
  };

  it('reads tokenizer.json, merges and gzipped merges alike', async () => {
    const files = [
      write('tokenizer.json', JSON.stringify(openaiTokenizer(MERGES))),
      write('merges.txt', MERGES),
      write('merges.txt.gz', gzipSync(MERGES)),
    ];
    for (const file of files)
      expect([...(await readCaptionTokenizer(file, 6)).encode(['a cat']).ids.data]).toEqual([START, last('a'), CAT, END, 0, 0]);
  });

  it('refuses what is no CLIP tokenizer, with the file', async () => {
    await expect(readCaptionTokenizer(write('no.json', '{'))).rejects.toThrow(/cannot read the tokenizer .*no\.json: /);
    await expect(readCaptionTokenizer(write('empty.json', '{}'))).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(/empty\.json: cannot make a tokenizer/) as string,
    });
    const unmarked = { ...openaiTokenizer(MERGES), post_processor: null };
    await expect(readCaptionTokenizer(write('unmarked.json', JSON.stringify(unmarked)))).rejects.toThrow(
      /no CLIP tokenizer: an empty text became the ids \[\]/,
    );
    await expect(readCaptionTokenizer(write('bad.txt', '#version\na b\na b c\n'))).rejects.toThrow(
      /line 3 of the merges is no merge of two parts: "a b c"/,
    );
    await expect(readCaptionTokenizer(write('bomb.txt.gz', gzipSync(Buffer.alloc(65 * 2 ** 20))))).rejects.toMatchObject({
      name: 'MetricsError',
      code: 'invalid-file',
    });
    const slow = { ...openaiTokenizer(MERGES), normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' } };
    await expect(readCaptionTokenizer(write('slow.json', JSON.stringify(slow)))).rejects.toThrow(/repeats a group/);
    await expect(readCaptionTokenizer(path.join(directory, 'none.json'))).rejects.toThrow(/none\.json: ENOENT/);
  });
});
