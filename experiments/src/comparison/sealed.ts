import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@controllab/data';
import type { Table } from '@controllab/report';
import { ExperimentError } from '../runner/errors.ts';

/** A table of predictions as it was before what it foretells was computed; `npm run seal` takes it from a report. */
export interface Sealed {
  /** The report that it is from, and the code that computed it. */
  readonly report: string;
  readonly command: string;
  readonly commit: string;
  /** When the report was finished, and when its table was sealed: absent in files from before that was kept. */
  readonly finishedAt: string;
  readonly sealedAt?: string;
  /** Its `rowHeader` says of which runs: labels of rows are alike in other profiles. */
  readonly table: Pick<Table, 'rowHeader' | 'columns' | 'rows'>;
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
  const hash = sha256(bytes);
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

/** What a run says before it starts that trains what ought to have been foretold first: nothing, where it was sealed. */
export const sealFirst = (name: string): string[] =>
  readSealed(name) === null
    ? ['Nothing is sealed of what this run foretells: it will only be able to say what it would have said. First --profile sealed, then seal it (docs/preregistration.md).'] // prettier-ignore
    : [];

/** The number in a row and column of a sealed table; null where it has none, or is of other runs than `header` says. */
export function sealedNumber({ table: { rowHeader, columns, rows } }: Sealed, header: string, row: string, column: string): number | null {
  if (rowHeader !== header) return null;
  const at = columns.findIndex(({ label }) => label === column);
  const cell = rows.find(({ label }) => label === row)?.cells[at];
  return typeof cell === 'number' ? cell : null;
}

/** Whether what came lies between the `low` and the `high` that were sealed for a row; null where neither was. */
export function cameTrue(sealed: Sealed, header: string, row: string, came: number): boolean | null {
  const [low, high] = (['low', 'high'] as const).map((column) => sealedNumber(sealed, header, row, column)) as [
    number | null,
    number | null,
  ];
  return low === null || high === null ? null : low <= came && came <= high;
}

/**
 * What a report says of a sealed table: when, by what and of which file, and whether what it foretells had ended before.
 * @param header of which runs the report's predictions are, and `rows` their labels: a table of another header, or without any of them,
 * foretells something else
 * @param foretold when each training that it foretells was finished
 */
export function sealedText(
  found: ReturnType<typeof readSealed>,
  { header, rows }: { readonly header: string; readonly rows: readonly string[] },
  foretold: readonly { readonly finishedAt: string }[],
): string {
  if (found === null) return 'Nothing was sealed beforehand.';
  const { sealed, hash } = found;
  if (sealed.table.rowHeader !== header || !sealed.table.rows.some(({ label }) => rows.includes(label)))
    return 'What was sealed foretells other runs than these.';
  const { finishedAt: reported, sealedAt = reported } = sealed;
  const early = foretold.filter(({ finishedAt }) => finishedAt <= sealedAt).length;
  const when =
    early === 0
      ? 'before what it foretells was trained to its end'
      : `but ${early} of the ${foretold.length} trainings that it foretells had ended before`;
  return `Sealed on ${sealedAt.slice(0, 10)}, ${when}, by commit ${sealed.commit.slice(0, 7)}; SHA-256 of the sealed file: ${hash}.`;
}
