import { PAPER_PARAMETERS } from '../paper-values.ts';
import { methodOf } from '../full-size/report-cells.ts';
import { PAPER_FAMILIES, type PaperFamily } from '../full-size/target.ts';
import type { FamilyCounts } from './measure.ts';

export const isPaperFamily = (id: string): id is PaperFamily => (PAPER_FAMILIES as readonly string[]).includes(id);

/** Whether a count is what a table prints in millions: the paper rounds some of its entries and cuts others off. */
export const printsAs = (count: number, millions: number): boolean =>
  Math.round(count / 1e6) === millions || Math.floor(count / 1e6) === millions;

/** One entry of the paper's table of parameters, and what the architectures give for it. */
export interface Entry {
  family: PaperFamily;
  method: 'base' | 'controlnet' | 'controlnext';
  kind: 'total' | 'learnable';
  paper: number;
  count: number;
}

/** The table's entries, with the counts of ControlNeXt's current or legacy control module. */
export function tableFive(families: readonly FamilyCounts[], module: 'controlnext' | 'controlnext-legacy'): Entry[] {
  return PAPER_FAMILIES.flatMap((id) => {
    const family = families.find((f) => f.id === id)!;
    const rows: Record<Entry['method'], Partial<Record<Entry['kind'], number>>> = PAPER_PARAMETERS.millions[id];
    return Object.entries(rows).flatMap(([name, printed]) => {
      const method = name as Entry['method'];
      const counts = methodOf(family, method === 'controlnext' ? module : method);
      return Object.entries(printed).map(([kind, paper]) => ({
        family: id,
        method,
        kind: kind as Entry['kind'],
        paper,
        count: kind === 'total' ? counts.parameters : counts.learnable,
      }));
    });
  });
}
