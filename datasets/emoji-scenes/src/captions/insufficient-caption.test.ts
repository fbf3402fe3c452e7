import { expect, test } from 'vitest';
import type { CaptionParts } from './caption.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import { insufficientCaption } from './insufficient-caption.ts';
import { sceneSpec } from '../scenes/scene-spec.ts';

const spec = sceneSpec(0, { seed: 7, objects: catalogue('quick'), size: 64 });
const said = (parts: CaptionParts, keep: 'background' | 'object-dropped') => insufficientCaption({ ...spec, parts }, keep);

test('a single object leaves its background', () => {
  const parts: CaptionParts = { names: ['cat'], sizeWord: 'large', relation: null, colour: 'red' };
  expect(said(parts, 'background')).toBe('a red background');
  expect(said(parts, 'object-dropped')).toBe('a red background');
});

test('a pair leaves one object, a row two', () => {
  expect(said({ names: ['cat', 'egg'], sizeWord: null, relation: 'above', colour: 'red' }, 'object-dropped')).toBe(
    'a cat on a red background',
  );
  expect(said({ names: ['cat', 'egg', 'fox'], sizeWord: null, relation: 'from left to right', colour: 'red' }, 'object-dropped')).toBe(
    'a cat and an egg from left to right on a red background',
  );
});
