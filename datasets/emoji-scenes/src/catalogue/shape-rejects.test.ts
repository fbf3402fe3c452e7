import { expect, test } from 'vitest';
import { candidates } from './candidates.ts';
import { catalogue } from './catalogue.ts';
import { emojiDrawing } from '../drawings/emoji-drawing.ts';
import { alphaBox, CELL_SIZE, rasterise, resampleCell } from '../drawings/rasterise.ts';
import { shapeRejects } from './shape-rejects.ts';
import { styles } from '../drawings/style.ts';

/** Whether the drawings pass the thresholds that shape-rejects.ts states. */
async function hasGoodShape(hexcode: string): Promise<boolean> {
  for (const style of styles) {
    const rgba = await rasterise(emojiDrawing(style, hexcode));
    const box = alphaBox(rgba);
    const cell = resampleCell(rgba, box);
    let opaque = 0;
    for (let i = 3; i < cell.length; i += 4) if (cell[i]! >= 128) opaque++;
    const coverage = opaque / (CELL_SIZE * CELL_SIZE);
    if (coverage < (style === 'openmoji' ? 0.2 : 0.15) || coverage > 0.93) return false;
    const width = box.right - box.left + 1;
    const height = box.bottom - box.top + 1;
    if (style === 'openmoji' && Math.max(width / height, height / width) > 2.6) return false;
  }
  return true;
}

test('the rejected drawings fail the thresholds, and objects of the catalogue pass them', async () => {
  const names = new Map(candidates().map((row) => [row.hexcode, row.annotation]));
  for (const [hexcode, name] of Object.entries(shapeRejects)) {
    expect(names.get(hexcode)).toBe(name);
    expect(await hasGoodShape(hexcode), name).toBe(false);
  }
  // Every tenth one: all of them take as long as building the four atlases.
  for (const object of catalogue('full').filter(({ id }) => id % 10 === 0))
    expect(await hasGoodShape(object.hexcode), object.name).toBe(true);
});
