import { describe, expect, it } from 'vitest';
import { catalogue } from '../catalogue/catalogue.ts';
import type { CaptionParts } from './caption.ts';
import { sceneSpec, type SceneSpec } from '../scenes/scene-spec.ts';
import { swappedCaption } from './swapped-caption.ts';

const withParts = (parts: CaptionParts): SceneSpec => ({ ...sceneSpec(0, { seed: 1, objects: catalogue('quick'), size: 64 }), parts });

describe('swappedCaption', () => {
  it('exchanges the names of a pair and keeps the relation', () => {
    expect(swappedCaption(withParts({ names: ['owl', 'bread'], sizeWord: null, relation: 'left of', colour: 'red' }))).toBe(
      'bread left of an owl on a red background',
    );
  });

  it('moves every name of a row', () => {
    expect(
      swappedCaption(withParts({ names: ['owl', 'bread', 'cat'], sizeWord: null, relation: 'from left to right', colour: 'teal' })),
    ).toBe('bread, a cat and an owl from left to right on a teal background');
  });

  it('changes the size of a single', () => {
    expect(swappedCaption(withParts({ names: ['owl'], sizeWord: 'large', relation: null, colour: 'red' }))).toBe(
      'a small owl on a red background',
    );
    expect(swappedCaption(withParts({ names: ['owl'], sizeWord: 'small', relation: null, colour: 'red' }))).toBe(
      'a large owl on a red background',
    );
  });
});
