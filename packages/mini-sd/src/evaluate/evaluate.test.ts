import { expect, it } from 'vitest';
import type { SceneSpec } from '@controllab/emoji-scenes';
import { guidanceSweep } from './evaluate.ts';
import { shuffled, spread, type Evaluated, type Kind } from './scenes.ts';

const scene = (kind: Kind, name: string): Evaluated => ({
  kind,
  real: new Uint8Array(),
  spec: { parts: { names: [name], sizeWord: 'large', relation: null, colour: 'red' } } as unknown as SceneSpec,
});

it('spread takes one of every so many, from the first on, and no more than it may', () => {
  const scenes = Array.from({ length: 10 }, (_, i) => scene('pairs', `${i}`));
  const taken = (most: number) => spread(scenes, most).map((one) => scenes.indexOf(one));
  expect(taken(3)).toEqual([0, 3, 6]);
  expect(taken(4)).toEqual([0, 2, 4, 6]);
  expect(taken(20)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('shuffled gives every scene the caption of another one', () => {
  expect(shuffled(['a', 'b', 'c', 'd'])).toEqual(['c', 'd', 'a', 'b']);
  expect(shuffled(['a', 'b', 'c'])).toEqual(['b', 'c', 'a']);
});

it('guidanceSweep draws the same captions at each scale, and counts large singles alone as recognised', async () => {
  const scenes = [scene('large singles', 'owl'), scene('large singles', 'cat'), scene('pairs', 'dog')];
  const asked: string[] = [];
  const sweep = await guidanceSweep(
    scenes,
    // A picture's one byte is the scale.
    async (specs, scale, what) => {
      asked.push(`${what}: ${specs.length}`);
      return specs.map(() => Uint8Array.of(scale));
    },
    {
      // One of two large singles is recognised from scale 4 on; the pair always is, and does not count.
      judge: {
        judge: async (pictures) => ({
          verdicts: pictures.map(([scale], i) => ({ recognised: [i === 2 || (i === 0 && scale! >= 4)], topFive: false, relation: null })),
          features: { data: Float32Array.of(pictures[0]![0]!), shape: [1, 1] },
        }),
      },
      clip: { scores: async (pictures, captions) => captions.map((caption, i) => caption.length + pictures[i]![0]!) },
      distance: async ({ data }) => 100 - data[0]!,
    },
  );
  expect(asked).toEqual([1, 1.5, 2, 3, 4, 6, 8].map((scale) => `guidance ${scale}: 3`));
  expect(sweep.map(({ recognised }) => recognised)).toEqual([0, 0, 0, 0, 0.5, 0.5, 0.5]);
  // "a large owl on a red background" has 31 letters, and so have the others; the byte of 1.5 is 1.
  expect(sweep.map(({ clip }) => clip)).toEqual([1, 1, 2, 3, 4, 6, 8].map((scale) => 31 + scale));
  expect(sweep.map(({ frechet }) => frechet)).toEqual([99, 99, 98, 97, 96, 94, 92]);
});
