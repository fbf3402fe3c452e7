import { DataError, jsonHash, type Dataset, type Example, type Json, type RgbImage } from '@controllab/data';
import { caption } from './caption.ts';
import { catalogue, type Tier } from './catalogue.ts';
import { conditionImage } from './condition-image.ts';
import { conflictingCaption } from './conflicting-caption.ts';
import { insufficientCaption } from './insufficient-caption.ts';
import { atlasHash, loadAtlas } from './load-atlas.ts';
import { renderScene } from './render-scene.ts';
import { allocateBuffers, conditions, type Condition, type SceneBuffers } from './scene-buffers.ts';
import type { SceneMix } from './scene-mix.ts';
import { sceneSpec, type SceneSpec } from './scene-spec.ts';
import type { Split } from './split.ts';
import type { Style } from './style.ts';
import { swappedCaption } from './swapped-caption.ts';

/** Side of the embedded default's pictures in pixels. */
export const SCENE_SIZE = 64;

/** Scenes are made by number: there are as many as their numbers allow. */
const ALL = 2 ** 31;

/** Raised with every change of the code that alters a scene, its picture, a map or a caption. */
const REVISION = 1;

/** Which scenes, as plain data: a worker opens them again from it. */
export interface SceneSource {
  readonly tier: Tier;
  /** See `SCENE_SEEDS`. */
  readonly seed: number;
  readonly split: Split;
  readonly mix?: SceneMix;
  /** Whose drawings; OpenMoji's. */
  readonly style?: Style;
  /** Side in pixels; 64. */
  readonly size?: number;
  /** How many of them, the first ones: subsets nest. All that can be numbered by default. */
  readonly length?: number;
}

/** A scene with its picture, drawn when it is first asked for. */
export interface SceneExample extends Example {
  readonly spec: SceneSpec;
  /** An exact map [size x size] of one byte a pixel: 0 and 255 for edges and masks, classes for segmentations. */
  map(id: Exclude<Condition, 'keypoints'>): Uint8Array;
}

/**
 * Emoji scenes as a dataset. Captions: `caption` (true), `insufficient` (the background alone), `object-dropped` (true without the object named last),
 * `conflicting` (other objects, another background), `swapped` (false, of the same words). Conditions: see `conditions`; `line` is there in OpenMoji's
 * style alone.
 * @throws EmojiScenesError for a tier, split, mix or size that there is not
 */
export async function emojiScenes(source: SceneSource): Promise<Dataset<SceneExample>> {
  const { tier, seed, split, mix, style = 'openmoji', size = SCENE_SIZE, length = ALL } = source;
  const atlas = await loadAtlas(style);
  const objects = catalogue(tier);
  const offered = conditions.filter((id) => id !== 'line' || atlas.line !== null);
  /** One set of buffers a condition: only what is asked for is computed. */
  const buffers = new Map<Condition | null, SceneBuffers>();
  const rendered = (spec: SceneSpec, id: Condition | null): SceneBuffers => {
    if (!buffers.has(id)) buffers.set(id, allocateBuffers(size, id === null ? [] : [id]));
    const into = buffers.get(id)!;
    renderScene(spec, atlas, into);
    return into;
  };
  const check = (id: string): Condition => {
    const known = offered.find((condition) => condition === id);
    if (known !== undefined) return known;
    throw new DataError('invalid-dataset', `emoji-scenes in the style ${style} has no condition '${id}'; it has ${offered.join(', ')}`, {
      id,
    });
  };
  const picture = (rgb: Uint8Array): RgbImage => ({ rgb, width: size, height: size });
  // The length is no part of what an example is: the first thousand are the same whatever comes behind them.
  const identity: Json = JSON.parse(
    JSON.stringify({ revision: REVISION, tier, seed, split, mix: mix ?? null, style, size, atlas: atlasHash(style) }),
  ) as Json;

  return {
    id: `emoji-scenes, tier ${tier}${style === 'openmoji' ? '' : `, ${style}`}`,
    hash: jsonHash(identity),
    length,
    conditions: offered,
    reference: { module: import.meta.url, data: source },
    async example(index) {
      if (!Number.isInteger(index) || index < 0 || index >= length)
        throw new DataError('invalid-dataset', `emoji-scenes: expected an index from 0 to ${length - 1}, got ${index}`, { index, length });
      const spec = sceneSpec(index, { seed, objects, size, split, ...(mix === undefined ? {} : { mix }) });
      return {
        spec,
        get image() {
          return picture(rendered(spec, null).rgb8.slice());
        },
        captions: {
          caption: caption(spec.parts),
          get insufficient() {
            return insufficientCaption(spec, 'background');
          },
          get 'object-dropped'() {
            return insufficientCaption(spec, 'object-dropped');
          },
          get conflicting() {
            return conflictingCaption(spec, objects);
          },
          get swapped() {
            return swappedCaption(spec);
          },
        },
        condition: (id) => {
          const known = check(id);
          return picture(conditionImage(known, rendered(spec, known)));
        },
        map: (id) => rendered(spec, check(id))[id]!.slice(),
      };
    },
  };
}

/** Opens the dataset of a `DatasetReference`. */
export default emojiScenes;
