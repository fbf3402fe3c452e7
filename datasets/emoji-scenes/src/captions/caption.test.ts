import { expect, test } from 'vitest';
import { caption } from './caption.ts';

const alone = { relation: null, sizeWord: null } as const;

test('one object with its size', () => {
  expect(caption({ names: ['owl'], sizeWord: 'large', relation: null, colour: 'red' })).toBe('a large owl on a red background');
  expect(caption({ names: ['owl'], ...alone, colour: 'red' })).toBe('an owl on a red background');
});

test('plurals and mass nouns take no article', () => {
  expect(caption({ names: ['grapes'], sizeWord: 'small', relation: null, colour: 'blue' })).toBe('small grapes on a blue background');
  expect(caption({ names: ['bread', 'cherries'], sizeWord: null, relation: 'left of', colour: 'teal' })).toBe(
    'bread left of cherries on a teal background',
  );
  expect(caption({ names: ['french fries', 'cooked rice'], sizeWord: null, relation: 'behind', colour: 'gray' })).toBe(
    'french fries behind cooked rice on a gray background',
  );
});

test('an goes before a vowel sound, not before every vowel', () => {
  expect(caption({ names: ['unicorn', 'orange book'], sizeWord: null, relation: 'in front of', colour: 'orange' })).toBe(
    'a unicorn in front of an orange book on an orange background',
  );
  expect(caption({ names: ['ewe', 'umbrella'], sizeWord: null, relation: 'above', colour: 'pink' })).toBe(
    'a ewe above an umbrella on a pink background',
  );
});

test('a row of three, of two, and no object at all', () => {
  const row = { sizeWord: null, relation: 'from top to bottom', colour: 'white' } as const;
  expect(caption({ names: ['octopus', 'bread', 'cat'], ...row })).toBe(
    'an octopus, bread and a cat from top to bottom on a white background',
  );
  expect(caption({ names: ['octopus', 'bread'], ...row })).toBe('an octopus and bread from top to bottom on a white background');
  expect(caption({ names: [], ...row })).toBe('a white background');
});
