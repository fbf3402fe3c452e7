import { expect, it } from 'vitest';
import { catalogue } from './catalogue.ts';
import { SCENE_SEEDS } from './scene-seeds.ts';
import { sceneSpec } from './scene-spec.ts';

/** A scene without the numbers that made it. */
const fingerprint = (seed: number, split: 'train' | 'val-combination' | 'val-object', index: number): string => {
  const { placements, drawingOrder, background, parts } = sceneSpec(index, { seed, objects: catalogue('full'), size: 64, split });
  return JSON.stringify([placements.map(({ object, ...place }) => [object.id, place]), drawingOrder, background, parts]);
};

it('no scene of one set is one of another: nothing is judged on what something learnt from', () => {
  const seen = new Map<string, string>();
  for (const [name, { seed, splits }] of Object.entries(SCENE_SEEDS)) {
    for (const split of splits) {
      for (let i = 0; i < 2000; i++) {
        const scene = fingerprint(seed, split, i);
        expect(seen.get(scene), `scene ${i} of ${name}, ${split}`).toBeUndefined();
        seen.set(scene, `${name}, ${split}`);
      }
    }
  }
});

it('every set has a seed of its own', () => {
  const seeds = Object.values(SCENE_SEEDS).map(({ seed }) => seed);
  expect(new Set(seeds).size).toBe(seeds.length);
});
