import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Table } from '@controllab/report';
import { ExperimentError } from '../runner/errors.ts';

/** A table of predictions as it was before what it foretells was computed; `npm run seal` takes it from a report. */
export interface Sealed {
  /** The report that it is from, and the code that computed it. */
  readonly report: string;
  readonly command: string;
  readonly commit: string;
  readonly finishedAt: string;
  readonly table: Pick<Table, 'columns' | 'rows'>;
}

const FOLDER = new URL('../declarations/sealed/', import.meta.url);

/**
 * A sealed table with the SHA-256 of its file, or null where nothing was sealed under that name.
 * @throws ExperimentError store-damaged where the file is not the one whose hash stands in SHA256SUMS beside it
 */
export function readSealed(name: string, folder: URL = FOLDER): { sealed: Sealed; hash: string } | null {
  const file = new URL(`${name}.json`, folder);
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const sums = new URL('SHA256SUMS', folder);
  const lines = existsSync(sums) ? readFileSync(sums, 'utf8').split('\n') : [];
  if (!lines.includes(`${hash}  ${name}.json`))
    throw new ExperimentError(
      'store-damaged',
      `${fileURLToPath(file)} is not what was sealed: its SHA-256 ${hash} does not stand in SHA256SUMS beside it. Take both from the commit that sealed it.`,
      { name, hash },
    );
  return { sealed: JSON.parse(bytes.toString('utf8')) as Sealed, hash };
}

/** The number in a sealed table's row and column; null where it has none. */
export function sealedNumber({ table: { columns, rows } }: Sealed, row: string, column: string): number | null {
  const at = columns.findIndex(({ label }) => label === column);
  const cell = rows.find(({ label }) => label === row)?.cells[at];
  return typeof cell === 'number' ? cell : null;
}
