import { caption } from './caption.ts';
import type { EmojiObject } from '../catalogue/catalogue.ts';
import { colourNames } from '../scenes/colours.ts';
import { drawObjects } from '../scenes/draw-objects.ts';
import { randomStream } from '../scenes/random-stream.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

/**
 * A caption of the same form that contradicts the scene: every object is another one of the pool and the background has another colour; the
 * size word and the relation stay. The objects are ones that training shows, so that the caption asks for something a model can draw.
 * Deterministic in the scene's seed, split and index. Throws `split-unavailable` where the pool has too few other objects.
 */
export function conflictingCaption(spec: SceneSpec, objects: readonly EmojiObject[]): string {
  const random = randomStream(spec.seed, `conflict/${spec.split}`, spec.index);
  const present = new Set(spec.placements.map((placement) => placement.object.id));
  const others = objects.filter((object) => !present.has(object.id));
  const names = drawObjects(random, others, spec.placements.length, 'train').map((object) => object.name);
  const otherColours = colourNames.filter((colour) => colour !== spec.parts.colour);
  return caption({ ...spec.parts, names, colour: otherColours[random.integer(otherColours.length)]! });
}
