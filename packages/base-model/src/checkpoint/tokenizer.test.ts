import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import clipTokens from '../testing/clip-tokens.json' with { type: 'json' };
import { VOCABULARY, writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { loadTokenizer } from './tokenizer.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizer-'));
  writeTinyModel(directory, { xl: true });
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const tokens = (folder: string, prompt: string, context = 8): string[] =>
  [...loadTokenizer(path.join(directory, folder))(prompt, context).ids].map((id) => VOCABULARY[id]!.replace(/<\|(\w+)oftext\|>/, '<$1>'));

it('merges by rank, lower-cases, and pads with what the directory says', () => {
  expect(tokens('tokenizer', 'A  cat')).toEqual(['<start>', 'a</w>', 'cat</w>', '<end>', '<end>', '<end>', '<end>', '<end>']);
  expect(tokens('tokenizer_2', 'car')).toEqual(['<start>', 'ca', 'r</w>', '<end>', '!', '!', '!', '!']);
});

it('keeps start and end of a text that is too long, and counts what is cut', () => {
  expect(tokens('tokenizer', 'a b c d', 5)).toEqual(['<start>', 'a</w>', 'b</w>', 'c</w>', '<end>']);
  expect(loadTokenizer(path.join(directory, 'tokenizer'))('a b c d', 5).cut).toBe(1);
});

it('reads tokenizer.json', () => {
  const vocab = Object.fromEntries(VOCABULARY.map((token, id) => [token, id]));
  const file = path.join(directory, 'tokenizer', 'tokenizer.json');
  const whole = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { type: 'BPE', end_of_word_suffix: '</w>', vocab, merges: [] },
    post_processor: null,
    decoder: null,
  };
  fs.writeFileSync(file, JSON.stringify(whole));
  expect(tokens('tokenizer', 'cat', 5)).toEqual(['<start>', 'c', 'a', 't</w>', '<end>']);
});

it.each<[string, string, RegExp]>([
  ['merges.txt', '#version: 0.2\nc a\n', /no merge makes the token "cat<\/w>": the merges are cut short/],
  ['merges.txt', '#version: 0.2\nc a\nca', /"ca" is no merge of two parts/],
  ['merges.txt', '#version: 0.2\n', /merges\.txt holds no merges: it was cut short/],
  ['special_tokens_map.json', '{"bos_token":{"content":3}}', /bos_token is no text/],
  ['special_tokens_map.json', '{"eos_token":{}}', /eos_token is no text/],
])('refuses a %s cut short or damaged: %j', (name, contents, message) => {
  const copy = fs.mkdtempSync(path.join(directory, 'damaged-'));
  for (const file of ['vocab.json', 'merges.txt', 'special_tokens_map.json'])
    fs.copyFileSync(path.join(directory, 'tokenizer_2', file), path.join(copy, file));
  fs.writeFileSync(path.join(copy, name), contents);
  expect(() => loadTokenizer(copy)).toThrow(
    expect.objectContaining({ name: 'BaseModelError', code: 'invalid-model', message: expect.stringMatching(message) as string }),
  );
});

it('names what is missing', () => {
  fs.rmSync(path.join(directory, 'tokenizer', 'merges.txt'));
  expect(() => loadTokenizer(path.join(directory, 'tokenizer'))).toThrow(
    /no tokenizer: expected tokenizer\.json, or vocab\.json and merges\.txt/,
  );
  fs.writeFileSync(path.join(directory, 'tokenizer_2', 'special_tokens_map.json'), JSON.stringify({ pad_token: '<pad>' }));
  expect(() => loadTokenizer(path.join(directory, 'tokenizer_2'))).toThrow(/lacks the special token <pad>/);
});

/** A folder of the small vocabulary of CLIP's format, with more files beside. */
function clipFolder(files: Readonly<Record<string, unknown>>): string {
  const folder = fs.mkdtempSync(path.join(directory, 'clip-'));
  const vocabulary = Object.fromEntries(clipTokens.vocabulary.map((token, id) => [token, id]));
  for (const [name, contents] of Object.entries({ 'vocab.json': vocabulary, ...files }))
    fs.writeFileSync(path.join(folder, name), JSON.stringify(contents));
  fs.writeFileSync(path.join(folder, 'merges.txt'), `#version: 0.2\n${clipTokens.merges.join('\n')}\n`);
  return folder;
}
const END = clipTokens.vocabulary.length - 1;
const idsOf = (files: Readonly<Record<string, unknown>>, prompt: string, context = 12): number[] => [
  ...loadTokenizer(clipFolder(files))(prompt, context).ids,
];

it.each(clipTokens.ids as [string, number[]][])("gives the ids of transformers' CLIPTokenizer: %j", (prompt, ids) => {
  expect(idsOf({}, prompt, ids.length + 3)).toEqual([END - 1, ...ids, END, END]);
});

describe('words that were added to a vocabulary', () => {
  const TOY = END + 1;
  const word = (content: string, more: object = {}) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    special: false,
    ...more,
  });
  const decoder = (tokens: Readonly<Record<string, object>>) => ({ 'tokenizer_config.json': { added_tokens_decoder: tokens } });

  it.each(clipTokens.added.ids as [string, number[]][])("have the ids of transformers' CLIPTokenizer: %j", (prompt, ids) => {
    expect(idsOf(clipTokens.added.files, prompt, ids.length + 3)).toEqual([END - 1, ...ids, END, 0]);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['added_tokens.json', { 'added_tokens.json': { '<toy>': TOY } }],
    ['added_tokens_decoder', decoder({ [TOY]: word('<toy>') })],
    ['both', { 'added_tokens.json': { '<toy>': TOY }, ...decoder({ [TOY]: word('<toy>') }) }],
  ])('are found in %s', (_, files) => {
    expect(idsOf(files, 'cat<toy>cat', 6)).toEqual([END - 1, ...[522, TOY, 522], END, END]);
  });

  it('are added to a tokenizer.json, which keeps its own', () => {
    const vocab = Object.fromEntries(VOCABULARY.map((token, id) => [token, id]));
    const added = [{ id: vocab['!']!, content: '!', special: false, normalized: false }];
    const json = {
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      model: { type: 'BPE', end_of_word_suffix: '</w>', vocab, merges: [] },
      post_processor: null,
      decoder: null,
    };
    fs.writeFileSync(path.join(directory, 'tokenizer', 'tokenizer.json'), JSON.stringify(json));
    fs.writeFileSync(
      path.join(directory, 'tokenizer', 'added_tokens.json'),
      JSON.stringify({ '<toy>': VOCABULARY.length, '!': vocab['!'] }),
    );
    const { ids } = loadTokenizer(path.join(directory, 'tokenizer'))('a<toy>!', 6);
    expect([...ids].slice(1, 4)).toEqual([vocab['a</w>'], VOCABULARY.length, vocab['!']]);
  });

  it('of several vectors stand behind the first', () => {
    const files = { 'added_tokens.json': { '<toy>': TOY, '<toy>_1': TOY + 1, '<toy>_2': TOY + 2 } };
    expect(idsOf(files, 'cat <toy>', 7)).toEqual([END - 1, 522, TOY, TOY + 1, TOY + 2, END, END]);
    // Written out they stand there once.
    expect(idsOf(files, '<toy> <toy>_1', 6)).toEqual([END - 1, TOY, TOY + 1, END, END, END]);
    const { ids, weights } = loadTokenizer(clipFolder(files))(
      ['a ', '<toy>'].map((text, i) => ({ text, weight: 1 + i })),
      8,
    );
    expect([...weights].slice(0, 6)).toEqual([1, 1, 2, 2, 2, 1]);
    expect(ids[2]).toBe(TOY);
  });

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['two ids', { 'added_tokens.json': { '<toy>': TOY + 1 }, ...decoder({ [TOY]: word('<toy>') }) }, /"<toy>" has the ids 634 and 635/],
    ["another token's id", { 'added_tokens.json': { '<toy>': 3 } }, /"<toy>" has the id 3, its vocabulary has "\$" as 3/],
    ['another id than in the vocabulary', { 'added_tokens.json': { '!': TOY } }, /"!" has the id 634, its vocabulary has "!" as 0/],
    ['no id', { 'added_tokens.json': { '<toy>': 'x' } }, /added_tokens\.json: the added token "<toy>" has no id/],
    ['no text', decoder({ [TOY]: { content: 3 } }), /tokenizer_config\.json: expected a text for an added token, got 3/],
    ['a flag that is none', decoder({ [TOY]: word('<toy>', { lstrip: 'no' }) }), /"<toy>" has "no" for lstrip/],
    ['the border of a word', decoder({ [TOY]: word('<toy>', { single_word: true }) }), /"<toy>" has single_word true, which is not done/],
    ['a list', { 'tokenizer_config.json': { added_tokens_decoder: ['<toy>'] } }, /expected an object of added tokens, got \["<toy>"\]/],
  ])('are refused with %s', (_, files, message) => expect(() => loadTokenizer(clipFolder(files))).toThrow(message));
});
