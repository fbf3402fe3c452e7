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
});
