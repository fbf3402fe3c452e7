import { canny } from '@controllab/data';
import { EmojiScenesError } from './emoji-scenes-error.ts';
import { keypoints } from './keypoints.ts';
import type { Atlas } from './load-atlas.ts';
import { paintBackground } from './paint-background.ts';
import { paintObject } from './paint-object.ts';
import type { SceneBuffers } from './scene-buffers.ts';
import type { SceneSpec } from './scene-spec.ts';
import { scribble } from './scribble.ts';

/**
 * Draws a scene in the atlas's style into `buffers.rgb8` and fills the conditions that `buffers` was allocated with.
 * Throws `invalid-argument` where the buffers have another size than the scene, and `missing-condition` for line art in a style that has
 * none.
 */
export function renderScene(spec: SceneSpec, atlas: Atlas, buffers: SceneBuffers): void {
  const { size, rgb8, scratch, mask, line } = buffers;
  const { rgb, instances } = scratch;
  if (spec.size !== size)
    throw new EmojiScenesError('invalid-argument', `The scene is ${spec.size} px wide, the buffers ${size} px.`, {
      scene: spec.size,
      buffers: size,
    });
  if (line && !atlas.line)
    throw new EmojiScenesError('missing-condition', `Style "${atlas.style}" has no line art; only "openmoji" does.`, {
      style: atlas.style,
    });

  paintBackground(spec, rgb);
  instances.fill(0);
  mask?.fill(0);
  line?.fill(0);
  const canvas = { size, rgb, instances, mask, line };
  for (const k of spec.drawingOrder) paintObject(spec.placements[k]!, k + 1, atlas, canvas);
  for (let i = 0; i < rgb8.length; i++) {
    const value = rgb[i]! + 0.5;
    rgb8[i] = value > 255 ? 255 : value;
  }

  if (buffers.canny) canny(rgb8, size, size, { out: buffers.canny, scratch: scratch.canny! });
  if (buffers.segmentation) classes(spec, instances, buffers.segmentation);
  if (buffers.depth) depth(spec, instances, buffers.depth);
  if (buffers.scribble) scribble(instances, size, buffers.scribble);
  if (buffers.keypoints) keypoints(instances, size, buffers.keypoints);
}

function classes(spec: SceneSpec, instances: Uint8Array, out: Uint8Array): void {
  const classOf = [0, ...spec.placements.map((placement) => placement.object.subgroupId)];
  for (let p = 0; p < out.length; p++) out[p] = classOf[instances[p]!]!;
}

function depth(spec: SceneSpec, instances: Uint8Array, out: Uint8Array): void {
  const { size, drawingOrder } = spec;
  const depthOf = [0];
  drawingOrder.forEach((k, rank) => {
    depthOf[k + 1] = drawingOrder.length === 1 ? 230 : Math.floor(130 + (115 * rank) / (drawingOrder.length - 1));
  });
  for (let y = 0, p = 0; y < size; y++) {
    const ground = Math.floor(20 + (60 * y) / (size - 1));
    for (let x = 0; x < size; x++, p++) out[p] = instances[p] === 0 ? ground : depthOf[instances[p]!]!;
  }
}
