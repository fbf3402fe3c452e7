import { createHash } from 'node:crypto';
import { encodePng } from './encode-png.ts';
import { imageSheet } from './image-sheet.ts';
import type { GridImage, ImageGrid } from '../model/report.ts';

/** Where an image is: tile `index` of the `count` tiles side by side in `file`. `sha256` is of its RGB bytes. */
export interface PlacedImage {
  readonly file: string;
  readonly index: number;
  readonly count: number;
  readonly sha256: string;
}

export interface PlacedGrid {
  /** By row and column, null where the grid has no image. */
  readonly places: readonly (readonly (PlacedImage | null)[])[];
  /** PNG files by name, relative to the report. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Up to this width the images of a row share one PNG: a grid of 24 x 17 thumbnails is 24 files, not 408, and a row can be used as a figure.
 */
const SHEET_UP_TO = 128;

/** Encodes the images of a grid and says where each one is. */
export const placeImages = async (grid: ImageGrid): Promise<PlacedGrid> => {
  const files = new Map<string, Buffer>();
  const digits = String(grid.rows.length).length;
  const places: (PlacedImage | null)[][] = [];
  for (const [i, { images }] of grid.rows.entries()) {
    const present = images.filter((image): image is GridImage => image !== null);
    const shared = present.every(({ width }) => width <= SHEET_UP_TO);
    const row = `images/${grid.id}/row-${String(i + 1).padStart(digits, '0')}`;
    if (shared && present.length > 0) {
      const sheet = imageSheet(present, present.length);
      files.set(`${row}.png`, await encodePng(sheet.rgb, sheet.width, sheet.height));
    }
    const placed: (PlacedImage | null)[] = [];
    let index = 0;
    for (const [column, image] of images.entries()) {
      if (image === null) {
        placed.push(null);
        continue;
      }
      const sha256 = createHash('sha256').update(image.rgb).digest('hex');
      if (shared) {
        placed.push({ file: `${row}.png`, index: index++, count: present.length, sha256 });
      } else {
        const file = `${row}-${column + 1}.png`;
        files.set(file, await encodePng(image.rgb, image.width, image.height));
        placed.push({ file, index: 0, count: 1, sha256 });
      }
    }
    places.push(placed);
  }
  return { places, files };
};
