import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
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

it.each(clipTokens.ids as [string, number[]][])("gives the ids of transformers' CLIPTokenizer: %j", (prompt, ids) => {
  const folder = path.join(directory, 'clip');
  fs.mkdirSync(folder);
  fs.writeFileSync(
    path.join(folder, 'vocab.json'),
    JSON.stringify(Object.fromEntries(clipTokens.vocabulary.map((token, id) => [token, id]))),
  );
  fs.writeFileSync(path.join(folder, 'merges.txt'), `#version: 0.2\n${clipTokens.merges.join('\n')}\n`);
  const end = clipTokens.vocabulary.length - 1;
  expect([...loadTokenizer(folder)(prompt, ids.length + 3).ids]).toEqual([end - 1, ...ids, end, end]);
});
