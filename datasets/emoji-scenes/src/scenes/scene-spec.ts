import type { CaptionParts } from '../captions/caption.ts';
import type { EmojiObject } from '../catalogue/catalogue.ts';
import { colourNames, type Colour } from './colours.ts';
import { drawObjects } from './draw-objects.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { layOutPair, layOutRow, layOutSingle, type Place } from './lay-out.ts';
import { randomStream } from './random-stream.ts';
import { defaultMix, type SceneMix } from './scene-mix.ts';
import { splits, type Split } from './split.ts';

export interface SceneOptions {
  /** Integer in [0, 2^32). */
  readonly seed: number;
  /** The pool, usually a tier of the `catalogue`. Pass the same array every time: what it holds is worked out once. */
  readonly objects: readonly EmojiObject[];
  /** Side of the image in pixels. */
  readonly size: number;
  /** Default `train`. */
  readonly split?: Split;
  /** Default `defaultMix(size)`. */
  readonly mix?: SceneMix;
}

export interface Placement extends Place {
  readonly object: EmojiObject;
}

/** Everything about a scene but its style. Plain data. */
export interface SceneSpec {
  readonly index: number;
  readonly seed: number;
  readonly split: Split;
  readonly size: number;
  /** One to three objects, in the caption's order. */
  readonly placements: readonly Placement[];
  /** Indices into `placements`, back to front. */
  readonly drawingOrder: readonly number[];
  /** `lighterTowards` is the side on which a gradient is brightest; null is plain. */
  readonly background: { readonly colour: Colour; readonly lighterTowards: Side | null };
  readonly parts: CaptionParts;
}

export type Side = 'bottom' | 'top' | 'right' | 'left';

const sides = ['bottom', 'top', 'right', 'left'] as const satisfies readonly Side[];
const objectCounts = { largeSingle: 1, smallSingle: 1, pair: 2, row: 3 } as const;

type Kind = keyof typeof objectCounts;

/**
 * Scene number `index` of an endless, random-access data set: a pure function of its arguments. Subsets nest, because scene i does not
 * depend on how many are taken.
 *
 * `val-combination` never draws a single object, whatever the mix. Throws `split-unavailable` where the pool or the mix cannot make a scene
 * of the split, and `invalid-argument` for a size, seed, index, split or mix out of range.
 */
export function sceneSpec(index: number, options: SceneOptions): SceneSpec {
  const { seed, objects, size, split = 'train', mix = defaultMix(size) } = options;
  if (!Number.isInteger(size) || size < 8)
    throw new EmojiScenesError('invalid-argument', `size must be an integer of at least 8 pixels, got ${size}.`, { size });
  if (!splits.includes(split))
    throw new EmojiScenesError('invalid-argument', `Unknown split "${split}". Splits: ${splits.join(', ')}.`, { split });
  const random = randomStream(seed, `scene/${split}`, index);
  const kind = drawKind(random.uniform(), mix, split);
  const drawn = drawObjects(random, objects, objectCounts[kind], split);
  const colour = colourNames[random.integer(colourNames.length)]!;
  const gradient = sides[random.integer(sides.length)]!;
  const lighterTowards = random.uniform() < 0.5 ? null : gradient;
  const names = drawn.map((object) => object.name);

  let places: Place[];
  let parts: CaptionParts;
  if (kind === 'largeSingle' || kind === 'smallSingle') {
    const sizeWord = kind === 'largeSingle' ? 'large' : 'small';
    places = [layOutSingle(random, sizeWord, size)];
    parts = { names, sizeWord, relation: null, colour };
  } else {
    const layout = kind === 'pair' ? layOutPair(random) : layOutRow(random);
    places = layout.places;
    parts = { names, sizeWord: null, relation: layout.relation, colour };
  }
  const placements = places.map((place, i) => ({ ...place, object: drawn[i]! }));
  // What stands lower in the image is nearer.
  const bottom = (i: number) => places[i]!.centreY + places[i]!.side / 2;
  const drawingOrder = places.map((_, i) => i).sort((a, b) => bottom(a) - bottom(b));
  return { index, seed, split, size, placements, drawingOrder, background: { colour, lighterTowards }, parts };
}

function drawKind(uniform: number, mix: SceneMix, split: Split): Kind {
  const kinds = (Object.keys(objectCounts) as Kind[]).filter((kind) => split !== 'val-combination' || objectCounts[kind] > 1);
  let total = 0;
  for (const kind of kinds) {
    if (!(mix[kind] >= 0) || mix[kind] === Infinity)
      throw new EmojiScenesError('invalid-argument', `mix.${kind} must be a finite weight of at least 0, got ${mix[kind]}.`, { mix });
    total += mix[kind];
  }
  if (total === 0) {
    const code = split === 'val-combination' ? 'split-unavailable' : 'invalid-argument';
    throw new EmojiScenesError(
      code,
      `The mix gives no weight to any kind of scene that the split "${split}" can hold (${kinds.join(', ')}).`,
      { mix, split },
    );
  }
  let left = uniform * total;
  let last: Kind = kinds[0]!;
  for (const kind of kinds) {
    if (mix[kind] === 0) continue;
    last = kind;
    left -= mix[kind];
    if (left < 0) return kind;
  }
  // Rounding can leave a sliver at the upper end.
  return last;
}
