import { describe, expect, it } from 'vitest';
import { catalogue } from './catalogue/catalogue.ts';
import { defaultMix, trainingMix } from './scenes/scene-mix.ts';
import { SCENE_SEEDS } from './scene-seeds.ts';
import { sceneSpec, type SceneSpec } from './scenes/scene-spec.ts';
import type { Split } from './scenes/split.ts';

type Purpose = keyof typeof SCENE_SEEDS;
const purposes = Object.keys(SCENE_SEEDS) as Purpose[];

/** Scenes compared of each purpose, split and mix. */
const COMPARED = 2000;
const SIZE = 64;

/** All that is seen of a scene, whatever its number is. */
const seen = ({ placements, background }: SceneSpec): string =>
  JSON.stringify([placements.map(({ object, centreX, centreY, side }) => [object.id, centreX, centreY, side]), background]);

/** The first scenes of a purpose under every mix in use, by split. */
function scenesOf(purpose: Purpose): { split: Split; seen: string }[] {
  const { seed, splits } = SCENE_SEEDS[purpose];
  const only = (kind: string) => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });
  return splits.flatMap((split: Split) => {
    const mixes = [defaultMix(SIZE), only('pair'), ...(split === 'train' ? [trainingMix, only('largeSingle')] : [])];
    return mixes.flatMap((mix) =>
      Array.from({ length: COMPARED }, (_, i) => ({
        split,
        seen: seen(sceneSpec(i, { seed, objects: catalogue('core'), size: SIZE, split, mix })),
      })),
    );
  });
}

/** Pairs of purposes that have scenes in common. */
function meeting(): string[] {
  const byScene = new Map<string, Set<Purpose>>();
  for (const purpose of purposes)
    for (const { seen: scene } of scenesOf(purpose)) byScene.set(scene, (byScene.get(scene) ?? new Set()).add(purpose));
  const met = [...byScene.values()].filter((of) => of.size > 1).map((of) => [...of].join(' and '));
  return [...new Set(met)].sort();
}

describe('scene seeds', () => {
  it('no two purposes have a scene in common, but for two pairs that train on the same ones', () => {
    expect(meeting()).toEqual(['aesthetic and styles', 'autoencoder and unet']);
    for (const purpose of ['aesthetic', 'styles', 'autoencoder', 'unet'] as const) expect(SCENE_SEEDS[purpose].use).toBe('training');
  });

  it('everything is trained on the split train alone', () => {
    for (const purpose of purposes) if (SCENE_SEEDS[purpose].use === 'training') expect(SCENE_SEEDS[purpose].splits).toEqual(['train']);
  });
});
