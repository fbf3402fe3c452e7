import { sha256 } from '@controllab/data';
import { gridOf } from '../model/film-strip.ts';
import type { FilmStrip, GridImage, GridRow, ImageGrid } from '../model/report.ts';
import { encodePng } from './encode-png.ts';
import { imageSheet } from './image-sheet.ts';

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
  /** Of a film strip. */
  readonly condition: PlacedImage | null;
  /** PNG files by name, relative to the report. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Up to this width the images of a row share one PNG: a grid of 24 x 17 thumbnails is 24 files, not 408, and a row can be used as a figure.
 */
const SHEET_UP_TO = 128;

const pixelHash = ({ rgb }: GridImage): string => sha256(rgb);

const placeRow = async (row: string, { images }: GridRow, files: Map<string, Buffer>): Promise<(PlacedImage | null)[]> => {
  const present = images.filter((image): image is GridImage => image !== null);
  const shared = present.every(({ width }) => width <= SHEET_UP_TO);
  if (shared && present.length > 0) {
    const sheet = imageSheet(present, present.length);
    files.set(`${row}.png`, await encodePng(sheet.rgb, sheet.width, sheet.height));
  }
  const placed: (PlacedImage | null)[] = [];
  let index = 0;
  for (const [column, image] of images.entries()) {
    if (image === null) placed.push(null);
    else if (shared) placed.push({ file: `${row}.png`, index: index++, count: present.length, sha256: pixelHash(image) });
    else {
      const file = `${row}-${column + 1}.png`;
      files.set(file, await encodePng(image.rgb, image.width, image.height));
      placed.push({ file, index: 0, count: 1, sha256: pixelHash(image) });
    }
  }
  return placed;
};

/** Encodes the images of a block and says where each one is. */
export const placeImages = async (block: ImageGrid | FilmStrip): Promise<PlacedGrid> => {
  const { id, rows } = gridOf(block)!;
  const files = new Map<string, Buffer>();
  const digits = String(rows.length).length;
  const places: (PlacedImage | null)[][] = [];
  for (const [i, row] of rows.entries()) places.push(await placeRow(`images/${id}/row-${String(i + 1).padStart(digits, '0')}`, row, files));
  if (block.kind === 'image-grid') return { places, condition: null, files };
  const file = `images/${id}/condition.png`;
  const { rgb, width, height } = block.condition;
  files.set(file, await encodePng(rgb, width, height));
  return { places, condition: { file, index: 0, count: 1, sha256: pixelHash(block.condition) }, files };
};
