import { vocabulary } from '@controllab/emoji-scenes';
import { expect, it } from 'vitest';
import openTokenizer from './tokenizer.ts';

it('names each word that is outside the vocabulary, once, with the nearest words in it', () => {
  const said: string[] = [];
  const { ids } = openTokenizer({ tier: 'core' })(['a large apfel on a red background', 'a APFEL above a dog', ''], (message) =>
    said.push(message),
  );
  expect(said).toEqual([expect.stringMatching(/does not know the word "apfel".*nearest that it knows: \w+, \w+, \w+/)]);
  expect(vocabulary('core').words).toContain(/knows: (\w+)/.exec(said[0]!)![1]);
  expect(ids!.shape).toEqual([3, 24]);
  expect(ids!.data.filter((id) => id === 3)).toHaveLength(2);
});

it('names no special word as the nearest', () => {
  const said: string[] = [];
  openTokenizer({ tier: 'quick' })(['pads'], (message) => said.push(message));
  expect(said[0]).not.toMatch(/<pad>/);
  openTokenizer({ tier: 'quick' })(['猫 ('], (message) => said.push(message));
  expect(said.slice(1)).toEqual([
    expect.stringMatching(/"猫".*it knows none like it/),
    expect.stringMatching(/"\(".*it knows none like it/),
  ]);
});

it('says what of a prompt is too long, which is an error where nobody listens', () => {
  const tokenize = openTokenizer({ tier: 'core' });
  const prompt = `a cat ${'and a dog '.repeat(7)}`;
  const said: string[] = [];
  expect(tokenize([prompt], (message) => said.push(message))['ids']!.shape).toEqual([1, 24]);
  expect(said).toEqual(['the embedded default reads 22 words; the last 1 of a prompt are cut off: "dog"']);
  expect(() => tokenize([prompt])).toThrow(/takes 25 tokens, the context holds 24/);
});

it('gives each word the weight of its part', () => {
  const weighted = openTokenizer({ tier: 'quick' })([
    [
      { text: 'a ', weight: 1 },
      { text: 'large, cat', weight: 1.5 },
    ],
    'a dog',
  ]);
  expect([...weighted['ids.weights']!.data.slice(0, 6)]).toEqual([1, 1, 1.5, 1.5, 1.5, 1]);
  expect([...weighted['ids.weights']!.data.slice(24)]).toEqual(Array(24).fill(1));
  expect(weighted['ids']).toEqual(openTokenizer({ tier: 'quick' })(['a large, cat', 'a dog'])['ids']);
});
