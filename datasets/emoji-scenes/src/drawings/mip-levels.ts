import { CELL_SIZE } from './rasterise.ts';

/** Sides of the mip levels, in pixels. */
export const LEVEL_SIZES = [CELL_SIZE, CELL_SIZE / 2, CELL_SIZE / 4] as const;

/**
 * The cells at 64, 32 and 16 px, each the 2x2 mean of the one before. Cells are [n, 64, 64, channels].
 * The levels share one SharedArrayBuffer, so that worker threads that are sent an atlas read the same memory.
 */
export function mipLevels(cells: Uint8Array, channels: number): Uint8Array[] {
  const count = cells.length / (CELL_SIZE * CELL_SIZE * channels);
  const lengths = LEVEL_SIZES.map((size) => count * size * size * channels);
  const buffer = new SharedArrayBuffer(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  const levels = lengths.map((length) => {
    const level = new Uint8Array(buffer, offset, length);
    offset += length;
    return level;
  });
  levels[0]!.set(cells);
  for (let l = 1; l < levels.length; l++) halve(levels[l - 1]!, levels[l]!, LEVEL_SIZES[l]!, channels);
  return levels;
}

// A cell is stored row after row, so all cells of a level are one tall image and can be halved in one go.
function halve(source: Uint8Array, target: Uint8Array, width: number, channels: number): void {
  const row = width * 2 * channels;
  for (let y = 0, to = 0; to < target.length; y++) {
    for (let x = 0; x < width; x++) {
      const from = 2 * y * row + 2 * x * channels;
      for (let c = 0; c < channels; c++, to++) {
        const at = from + c;
        target[to] = (source[at]! + source[at + channels]! + source[at + row]! + source[at + row + channels]! + 2) >> 2;
      }
    }
  }
}
