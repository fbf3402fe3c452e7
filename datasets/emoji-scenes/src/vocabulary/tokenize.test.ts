import { expect, test } from 'vitest';
import { caption } from '../captions/caption.ts';
import { catalogue, tiers } from '../catalogue/catalogue.ts';
import { conflictingCaption } from '../captions/conflicting-caption.ts';
import { insufficientCaption } from '../captions/insufficient-caption.ts';
import { sceneSpec } from '../scenes/scene-spec.ts';
import { tokenize } from './tokenize.ts';
import { vocabulary } from './vocabulary.ts';

test('start, words, end, padding', () => {
  const quick = vocabulary('quick');
  const tokens = tokenize('A cat, an egg', quick, 8);
  expect([...tokens].map((id) => quick.words[id])).toEqual(['<start>', 'a', 'cat', ',', 'an', 'egg', '<end>', '<pad>']);
  expect([...tokens.slice(-2)]).toEqual([2, 0]);
  expect([...tokenize('', quick, 4)]).toEqual([1, 2, 0, 0]);
  expect([...tokenize('xylophone', quick, 4)]).toEqual([1, 3, 2, 0]);
});

test('a caption that does not fit is named', () => {
  expect(() => tokenize('a cat above an egg', vocabulary('quick'), 6)).toThrow(
    'The caption "a cat above an egg" takes 7 tokens, the context holds 6.',
  );
});

test('sizes of the vocabularies, special words included', () => {
  expect(tiers.map((tier) => vocabulary(tier).words.length)).toEqual([75, 216, 403, 742]);
  expect(vocabulary('full').words.slice(0, 5)).toEqual(['<pad>', '<start>', '<end>', '<unk>', 'a']);
});

test('every caption of every kind has all its words and fits the context', () => {
  for (const tier of tiers) {
    const words = vocabulary(tier);
    const objects = catalogue(tier);
    for (let i = 0; i < 1000; i++) {
      const spec = sceneSpec(i, { seed: 1, objects, size: 64 });
      for (const text of [caption(spec.parts), conflictingCaption(spec, objects), insufficientCaption(spec, 'object-dropped')]) {
        expect(tokenize(text, words)).not.toContain(3);
      }
    }
  }
});
