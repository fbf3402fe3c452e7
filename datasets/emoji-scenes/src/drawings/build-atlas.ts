import { catalogue, type EmojiObject } from '../catalogue/catalogue.ts';
import { emojiDrawing, lineDrawing } from './emoji-drawing.ts';
import { alphaBox, CELL_SIZE, rasterise, resampleCell } from './rasterise.ts';
import type { Style } from './style.ts';

/** The cells of one style at full size, in catalogue order. */
export interface AtlasCells {
  /** Premultiplied RGBA, [633, 64, 64, 4]. */
  rgba: Uint8Array;
  /** Alpha of OpenMoji's line drawing cropped like the colour drawing, [633, 64, 64]; empty for the other styles, which have none. */
  line: Uint8Array;
}

/** Draws every object of the full catalogue in one style. Takes 2 to 4 s; `loadAtlas` keeps the result on disk. */
export async function buildAtlas(style: Style): Promise<AtlasCells> {
  const objects = catalogue('full');
  const area = CELL_SIZE * CELL_SIZE;
  const rgba = new Uint8Array(objects.length * area * 4);
  const line = new Uint8Array(style === 'openmoji' ? objects.length * area : 0);
  const draw = async ({ id, hexcode }: EmojiObject) => {
    const colour = await rasterise(emojiDrawing(style, hexcode));
    const box = alphaBox(colour);
    rgba.set(resampleCell(colour, box), id * area * 4);
    if (line.length > 0) {
      const cell = resampleCell(await rasterise(lineDrawing(hexcode)), box);
      for (let p = 0; p < area; p++) line[id * area + p] = cell[p * 4 + 3]!;
    }
  };
  // A few at a time: sharp renders on its own threads, and 633 pending rasters would hold 50 MB.
  for (let i = 0; i < objects.length; i += 8) await Promise.all(objects.slice(i, i + 8).map(draw));
  return { rgba, line };
}
