import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { palette } from './palette.ts';
import type { Condition, SceneBuffers } from './scene-buffers.ts';

/**
 * A condition as the RGB image that a ControlNet is shown, [size, size, 3]: maps of brightness in grey, segmentation and instances in a
 * fixed palette, keypoints as discs of one colour a kind (centroid white, top red, bottom green, left blue, right yellow). Writes into
 * `out`. Throws `missing-condition` where the buffers were allocated without it.
 */
export function conditionImage(
  condition: Condition,
  buffers: SceneBuffers,
  out: Uint8Array = new Uint8Array(buffers.size * buffers.size * 3),
): Uint8Array {
  const map = buffers[condition];
  if (!map) throw new EmojiScenesError('missing-condition', `The buffers were allocated without "${condition}".`, { condition });
  if (map instanceof Float32Array) {
    discs(map, buffers.size, out);
    return out;
  }
  const coloured = condition === 'segmentation' || condition === 'instances';
  for (let p = 0; p < map.length; p++) {
    for (let c = 0; c < 3; c++) out[p * 3 + c] = coloured ? palette[map[p]! * 3 + c]! : map[p]!;
  }
  return out;
}

const discColours = [
  [255, 255, 255],
  [255, 60, 60],
  [60, 220, 60],
  [80, 120, 255],
  [255, 220, 40],
] as const;

function discs(points: Float32Array, size: number, out: Uint8Array): void {
  out.fill(0);
  const radius = size / 40;
  for (let k = 0; k < points.length / 2; k++) {
    const centreX = points[2 * k]!;
    const centreY = points[2 * k + 1]!;
    if (centreX < 0) continue;
    for (let y = Math.max(0, Math.floor(centreY - radius)); y <= Math.min(size - 1, centreY + radius); y++) {
      for (let x = Math.max(0, Math.floor(centreX - radius)); x <= Math.min(size - 1, centreX + radius); x++) {
        if ((x - centreX) ** 2 + (y - centreY) ** 2 <= radius * radius) out.set(discColours[k % discColours.length]!, (y * size + x) * 3);
      }
    }
  }
}
