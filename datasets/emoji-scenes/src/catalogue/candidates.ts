import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse } from 'csv-parse/sync';
import { hasDrawing } from '../drawings/emoji-drawing.ts';
import { styles } from '../drawings/style.ts';

const groups = new Set(['animals-nature', 'food-drink', 'travel-places', 'activities', 'objects']);
// Clock faces differ only in their hands, and maps fill the whole square.
const excludedSubgroups = new Set(['time', 'place-map']);

/** A row of OpenMoji's table, as far as it is used here. */
export interface Candidate {
  hexcode: string;
  annotation: string;
  group: string;
  subgroups: string;
  skintone: string;
}

/** Every emoji of a thing that all four sets draw, in OpenMoji's order: 815 of its 4,495. */
export function candidates(): Candidate[] {
  const file = createRequire(import.meta.url).resolve('openmoji/data/openmoji.csv');
  const rows = parse<Candidate>(readFileSync(file), { columns: true });
  return rows.filter(
    (row) =>
      row.skintone === '' &&
      groups.has(row.group) &&
      !excludedSubgroups.has(row.subgroups) &&
      styles.every((style) => hasDrawing(style, row.hexcode)),
  );
}
