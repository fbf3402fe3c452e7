import sharp from 'sharp';
import { DRAWING_SIZE } from './emoji-drawing.ts';

/** Side of an atlas cell, in pixels. */
export const CELL_SIZE = 64;

/** First and last column and row of the drawing, both inclusive. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Renders an SVG to straight (not premultiplied) RGBA, [144, 144, 4]. */
export async function rasterise(svg: string): Promise<Uint8Array> {
  return sharp(Buffer.from(svg))
    .resize(DRAWING_SIZE, DRAWING_SIZE, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .ensureAlpha()
    .raw()
    .toBuffer();
}

/** The smallest box that holds every pixel of alpha above 16 of 255 (fainter ones are antialiasing and soft shadows). */
export function alphaBox(rgba: Uint8Array): Box {
  const box = { left: DRAWING_SIZE, top: DRAWING_SIZE, right: -1, bottom: -1 };
  for (let y = 0; y < DRAWING_SIZE; y++) {
    for (let x = 0; x < DRAWING_SIZE; x++) {
      if (rgba[(y * DRAWING_SIZE + x) * 4 + 3]! <= 16) continue;
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      if (y > box.bottom) box.bottom = y;
    }
  }
  return box;
}

/**
 * Area-resamples the box, centred in a square, to premultiplied RGBA [64, 64, 4].
 * Premultiplied, so that the bilinear sampling and the mip levels later on need no division and bleed no colour from transparent pixels.
 */
export function resampleCell(rgba: Uint8Array, box: Box): Uint8Array {
  const width = box.right - box.left + 1;
  const height = box.bottom - box.top + 1;
  const side = Math.max(width, height);
  const step = side / CELL_SIZE;
  const originX = box.left - (side - width) / 2;
  const originY = box.top - (side - height) / 2;
  const cell = new Uint8Array(CELL_SIZE * CELL_SIZE * 4);
  for (let y = 0; y < CELL_SIZE; y++) {
    const top = originY + y * step;
    for (let x = 0; x < CELL_SIZE; x++) {
      const left = originX + x * step;
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      for (let py = Math.max(0, Math.floor(top)); py < Math.min(DRAWING_SIZE, top + step); py++) {
        const coveredY = Math.min(top + step, py + 1) - Math.max(top, py);
        for (let px = Math.max(0, Math.floor(left)); px < Math.min(DRAWING_SIZE, left + step); px++) {
          const area = coveredY * (Math.min(left + step, px + 1) - Math.max(left, px));
          const at = (py * DRAWING_SIZE + px) * 4;
          const weight = area * rgba[at + 3]!;
          red += weight * rgba[at]!;
          green += weight * rgba[at + 1]!;
          blue += weight * rgba[at + 2]!;
          alpha += weight;
        }
      }
      const to = (y * CELL_SIZE + x) * 4;
      const area = step * step;
      cell[to] = red / (255 * area) + 0.5;
      cell[to + 1] = green / (255 * area) + 0.5;
      cell[to + 2] = blue / (255 * area) + 0.5;
      cell[to + 3] = alpha / area + 0.5;
    }
  }
  return cell;
}
