import type { Atlas } from '../drawings/load-atlas.ts';
import { LEVEL_SIZES } from '../drawings/mip-levels.ts';
import type { Placement } from '../scenes/scene-spec.ts';

/** What an object is painted into, all [size, size] but `rgb`, which is [size, size, 3]. */
export interface Canvas {
  readonly size: number;
  readonly rgb: Float32Array;
  readonly instances: Uint8Array;
  readonly mask: Uint8Array | undefined;
  readonly line: Uint8Array | undefined;
}

/**
 * Composites one object over what is there, sampled bilinearly from the mip level nearest above its size, and enters `instance` where its
 * alpha is at least 128. Lines behind it are covered as its colour covers the image.
 */
export function paintObject(placement: Placement, instance: number, atlas: Atlas, canvas: Canvas): void {
  const { size, rgb, instances, mask, line } = canvas;
  const side = placement.side * size;
  // Up to 1.6 times reduction bilinear sampling does not alias visibly; beyond that the next level is sharper than it is blurred.
  const level = side >= 40 ? 0 : side >= 20 ? 1 : 2;
  const cell = LEVEL_SIZES[level]!;
  const colour = atlas.rgba[level]!;
  const drawing = line ? atlas.line![level]! : undefined;
  const origin = placement.object.id * cell * cell;
  const step = cell / side;
  const left = placement.centreX * size - side / 2;
  const top = placement.centreY * size - side / 2;
  const firstX = Math.max(0, Math.ceil(left - 0.5));
  const lastX = Math.min(size - 1, Math.floor(left + side - 0.5));
  const firstY = Math.max(0, Math.ceil(top - 0.5));
  const lastY = Math.min(size - 1, Math.floor(top + side - 0.5));
  for (let y = firstY; y <= lastY; y++) {
    const v = clamp((y + 0.5 - top) * step - 0.5, cell - 1);
    const v0 = v | 0;
    const v1 = v0 < cell - 1 ? v0 + 1 : v0;
    const lower = v - v0;
    const row0 = origin + v0 * cell;
    const row1 = origin + v1 * cell;
    for (let x = firstX; x <= lastX; x++) {
      const u = clamp((x + 0.5 - left) * step - 0.5, cell - 1);
      const u0 = u | 0;
      const u1 = u0 < cell - 1 ? u0 + 1 : u0;
      const right = u - u0;
      const w00 = (1 - right) * (1 - lower);
      const w10 = right * (1 - lower);
      const w01 = (1 - right) * lower;
      const w11 = right * lower;
      const a = row0 + u0;
      const b = row0 + u1;
      const c = row1 + u0;
      const d = row1 + u1;
      const a4 = a * 4;
      const b4 = b * 4;
      const c4 = c * 4;
      const d4 = d * 4;
      const alpha = w00 * colour[a4 + 3]! + w10 * colour[b4 + 3]! + w01 * colour[c4 + 3]! + w11 * colour[d4 + 3]!;
      // Below 2 of 255 it cannot change a pixel by more than rounding does.
      if (alpha < 2) continue;
      const through = 1 - alpha / 255;
      const p = y * size + x;
      const q = p * 3;
      rgb[q] = rgb[q]! * through + w00 * colour[a4]! + w10 * colour[b4]! + w01 * colour[c4]! + w11 * colour[d4]!;
      rgb[q + 1] = rgb[q + 1]! * through + w00 * colour[a4 + 1]! + w10 * colour[b4 + 1]! + w01 * colour[c4 + 1]! + w11 * colour[d4 + 1]!;
      rgb[q + 2] = rgb[q + 2]! * through + w00 * colour[a4 + 2]! + w10 * colour[b4 + 2]! + w01 * colour[c4 + 2]! + w11 * colour[d4 + 2]!;
      if (line && drawing) {
        const stroke = w00 * drawing[a]! + w10 * drawing[b]! + w01 * drawing[c]! + w11 * drawing[d]!;
        line[p] = Math.min(255, line[p]! * through + stroke + 0.5);
      }
      if (mask && alpha >= 64) mask[p] = 255;
      if (alpha >= 128) instances[p] = instance;
    }
  }
}

function clamp(value: number, most: number): number {
  return value < 0 ? 0 : value > most ? most : value;
}
