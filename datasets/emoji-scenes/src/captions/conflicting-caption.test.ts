import { expect, test } from 'vitest';
import { caption } from './caption.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import { conflictingCaption } from './conflicting-caption.ts';
import { sceneSpec } from '../scenes/scene-spec.ts';

const objects = catalogue('quick');

test('the form stays; every object and the background are others, the same ones each time', () => {
  for (let i = 0; i < 200; i++) {
    const spec = sceneSpec(i, { seed: 7, objects, size: 64 });
    const { names, colour, relation, sizeWord } = spec.parts;
    const conflicting = conflictingCaption(spec, objects);
    expect(conflictingCaption(spec, objects)).toBe(conflicting);
    expect(conflicting).not.toMatch(new RegExp(`\\b${colour} background`));
    for (const name of names) expect(conflicting.split(/[ ,]+/)).not.toContain(name);
    expect(conflicting).toContain(relation ?? sizeWord!);
    expect(conflicting.split(',').length).toBe(caption(spec.parts).split(',').length);
  }
});

test('a pool without other objects is an error', () => {
  const spec = sceneSpec(0, { seed: 7, objects, size: 64 });
  expect(() =>
    conflictingCaption(
      spec,
      spec.placements.map((placement) => placement.object),
    ),
  ).toThrow('the pool has 0 fitting object(s)');
});
