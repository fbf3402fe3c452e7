import { allocateCanny, type CannyScratch } from '@controllab/data';
import { EmojiScenesError } from '../emoji-scenes-error.ts';

/**
 * What a scene can be conditioned on; all exact, none estimated by a network.
 *
 * - `canny`: colour Canny edges of the image, 0 or 255
 * - `line`: OpenMoji's line drawings with hidden lines removed, 0 to 255 (style `openmoji` only)
 * - `segmentation`: class of the visible object, `subgroupId` 1 to 47, background 0
 * - `instances`: 1 + index into `placements` of the visible object, background 0
 * - `depth`: larger is nearer; background ramp 20 (top) to 80 (bottom), objects 130 (back) to 245 (front), a single object 230
 * - `mask`: 255 where any object has alpha of at least 64, else 0
 * - `scribble`: dilated outlines of the instances, 0 or 255
 * - `keypoints`: per placement centroid and topmost, bottommost, leftmost, rightmost visible pixel as x, y: [3, 5, 2] in pixels, -1 where
 *   there is none
 */
export const conditions = ['canny', 'line', 'segmentation', 'instances', 'depth', 'mask', 'scribble', 'keypoints'] as const;

export type Condition = (typeof conditions)[number];

type ConditionData = { [C in Condition]: C extends 'keypoints' ? Float32Array : Uint8Array };

/** Memory that `renderScene` fills, reused from scene to scene. Only the requested conditions are there; maps are [size, size]. */
export type SceneBuffers<C extends Condition = never> = {
  readonly size: number;
  /** The image, [size, size, 3], interleaved sRGB. */
  readonly rgb8: Uint8Array;
  readonly scratch: SceneScratch;
} & Readonly<Pick<ConditionData, C>> &
  Readonly<Partial<ConditionData>>;

/** Working memory of the renderer. */
export interface SceneScratch {
  readonly rgb: Float32Array;
  readonly instances: Uint8Array;
  readonly canny: CannyScratch | null;
}

/** Allocates an image of `size` x `size` pixels and the named conditions; nothing is spent on conditions that are not named. */
export function allocateBuffers<const C extends Condition = never>(size: number, requested: readonly C[] = []): SceneBuffers<C> {
  const pixels = size * size;
  const maps: Partial<ConditionData> = {};
  for (const name of requested as readonly Condition[]) {
    if (!conditions.includes(name))
      throw new EmojiScenesError('missing-condition', `Unknown condition "${name}". Conditions: ${conditions.join(', ')}.`, {
        condition: name,
      });
    if (name === 'keypoints') maps.keypoints = new Float32Array(3 * 5 * 2);
    else maps[name] = new Uint8Array(pixels);
  }
  const scratch: SceneScratch = {
    rgb: new Float32Array(pixels * 3),
    instances: maps.instances ?? new Uint8Array(pixels),
    canny: maps.canny ? allocateCanny(size, size) : null,
  };
  return { size, rgb8: new Uint8Array(pixels * 3), scratch, ...(maps as Pick<ConditionData, C>) };
}
