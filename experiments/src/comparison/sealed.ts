import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Table } from '@controllab/report';

/** A table of predictions as it was before what it foretells was computed; `tools/seal.mjs` takes it from a report. */
export interface Sealed {
  /** The report that it is from, and the code that computed it. */
  readonly report: string;
  readonly command: string;
  readonly commit: string;
  readonly finishedAt: string;
  readonly table: Pick<Table, 'columns' | 'rows'>;
}

/** A sealed table with the SHA-256 of its file, or null where nothing was sealed under that name. */
export function readSealed(name: string): { sealed: Sealed; hash: string } | null {
  const file = new URL(`../declarations/sealed/${name}.json`, import.meta.url);
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  return { sealed: JSON.parse(bytes.toString('utf8')) as Sealed, hash: createHash('sha256').update(bytes).digest('hex') };
}

/** The number in a sealed table's row and column; null where it has none. */
export function sealedNumber({ table: { columns, rows } }: Sealed, row: string, column: string): number | null {
  const at = columns.findIndex(({ label }) => label === column);
  const cell = rows.find(({ label }) => label === row)?.cells[at];
  return typeof cell === 'number' ? cell : null;
}
