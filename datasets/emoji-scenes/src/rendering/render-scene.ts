import { canny } from '@controllab/data';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { keypoints } from '../conditions/keypoints.ts';
import type { Atlas } from '../drawings/load-atlas.ts';
import { paintBackground } from './paint-background.ts';
import { paintObject } from './paint-object.ts';
import { conditions, type Condition, type SceneBuffers } from '../conditions/scene-buffers.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';
import { scribble } from '../conditions/scribble.ts';

/**
 * Draws a scene in the atlas's style into `buffers.rgb8` and fills the conditions that `buffers` was allocated with.
 * Throws `invalid-argument` where the buffers have another size than the scene, and `missing-condition` for line art in a style that has
 * none.
 */
export function renderScene(spec: SceneSpec, atlas: Atlas, buffers: SceneBuffers): void {
  paintScene(spec, atlas, buffers);
  for (const condition of conditions) if (buffers[condition]) deriveCondition(condition, spec, buffers);
}

/** The first half of `renderScene`: the image and what is painted along with it, which is `instances`, `mask` and `line`. */
export function paintScene(spec: SceneSpec, atlas: Atlas, buffers: SceneBuffers): void {
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
}

/** The second half: fills one condition, which the buffers hold, from the scene that was painted into them. */
export function deriveCondition(condition: Condition, spec: SceneSpec, buffers: SceneBuffers): void {
  const { size, rgb8, scratch } = buffers;
  const { instances } = scratch;
  switch (condition) {
    case 'canny':
      canny(rgb8, size, size, { out: buffers.canny!, scratch: scratch.canny! });
      return;
    case 'segmentation':
      return classes(spec, instances, buffers.segmentation!);
    case 'depth':
      return depth(spec, instances, buffers.depth!);
    case 'scribble':
      return scribble(instances, size, buffers.scribble!);
    case 'keypoints':
      return keypoints(instances, size, buffers.keypoints!);
    case 'instances':
    case 'mask':
    case 'line':
      // Painted.
      return;
  }
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
