import { expect, it } from 'vitest';
import { tokenizerProblem } from './tokenizer-problem.ts';

const CLIP = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
const vocab = { c: 0, a: 1, 't</w>': 2, ca: 3, 'cat</w>': 4, '<|end|>': 5 };
const merges: unknown[] = ['c a', 'ca t</w>'];
const json = (model: object, pattern = CLIP) => ({
  added_tokens: [{ content: '<|end|>' }],
  pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: pattern } }] },
  model: { type: 'BPE', vocab, merges, ...model },
});

it('finds nothing wrong with a whole one, its merges as texts or pairs', () => {
  expect(tokenizerProblem(json({}))).toBeNull();
  expect(
    tokenizerProblem(
      json({
        merges: [
          ['c', 'a'],
          ['ca', 't</w>'],
        ],
      }),
    ),
  ).toBeNull();
  expect(tokenizerProblem({ ...json({}), added_tokens: [] }, ['<|end|>'])).toBeNull();
  expect(tokenizerProblem(json({ type: 'Unigram', vocab: [['a', -1]] }))).toBeNull();
});

it.each<[string, object, RegExp]>([
  ['merges cut short', { merges: ['c a'] }, /no merge makes the token "cat<\/w>": the merges are cut short/],
  ['a merge cut in two', { merges: ['c a', 'ca'] }, /"ca" is no merge of two parts/],
  ['a merge of nothing', { merges: ['c a', ' t</w>'] }, /is no merge of two parts/],
  ['a merge of another vocabulary', { merges: ['c a', 'ca t</w>', 'a t</w>'] }, /"a t<\/w>" makes a token that the vocabulary lacks/],
  ['an id that is none', { vocab: { ...vocab, ca: -1 } }, /"ca" has the id -1/],
  ['an id that is a text', { vocab: { ...vocab, ca: '3' } }, /"ca" has the id "3"/],
  ['two tokens of one id', { vocab: { ...vocab, ca: 4 } }, /two tokens have the id 4/],
  [
    'a token that was renamed',
    { vocab: { c: 0, a: 1, 't</w>': 2, ca: 3, 'cat</w>': 4, 'd</w>og': 5 } },
    /no merge makes the token "d<\/w>og"/,
  ],
  ['a token for what is unknown that there is not', { unk_token: '<|unk|>' }, /"<\|unk\|>", is not in the vocabulary/],
  ['no merges', { merges: null }, /has no vocab and merges/],
])('names %s', (_, model, message) => {
  expect(tokenizerProblem(json(model))).toMatch(message);
});

it('names a key that the format does not have, at any depth, where it holds something', () => {
  expect(tokenizerProblem({ ...json({}), normaliser: { type: 'Lowercase' } })).toBe(
    'it has the key "normaliser", which is not of its format',
  );
  expect(tokenizerProblem(json({ ignore_merge: true }))).toMatch(/"ignore_merge"/);
  expect(tokenizerProblem({ ...json({}), normalizer: { type: 'Sequence', normalizers: [{ type: 'Strip', left: true }] } })).toMatch(
    /"left"/,
  );
  expect(tokenizerProblem({ ...json({}), later: null })).toBeNull();
});

it('names nesting without end', () => {
  const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown;
  expect(tokenizerProblem({ ...json({}), normalizer: deep })).toBe('it is nested more than 64 deep');
});

it.each([
  ['(a+)+$', /repeats a group/],
  ['(?:x|xx)*y', /repeats a group/],
  ['([a-z]+){2,}', /repeats a group/],
  ['(a)\\1', /refers back/],
  ['a*a*a*a*b', /more than 3 runs/],
  ['x'.repeat(2000), /2000 characters/],
])('refuses the pattern %s, which may take for ever', (pattern, message) => {
  expect(tokenizerProblem(json({}, pattern))).toMatch(message);
});

it.each(['\\s+', '[()+*]+', '\\)+', '\\p{L}+|\\p{N}{1,3}', "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+|\\s+(?!\\S)|\\s+"])(
  'takes the pattern %s',
  (pattern) => {
    expect(tokenizerProblem(json({}, pattern))).toBeNull();
  },
);
