import { openUserData, type PictureSize, type RowProblem, type UserData, type UserDataOptions } from '@controllab/data';
import { checkReportFolder, currentCommit, machine, writeReport, type Block, type GridRow, type TableRow } from '@controllab/report';
import { differenceHash, NEAR_BITS, nearPairs } from './duplicates.ts';

/** Pictures of the contact sheet, spread evenly. */
const SHEET = 24;

/** Pairs of near duplicates that are told. */
const MAX_PAIRS = 1000;

/** Rows of a table that the page shows; all are in its CSV. */
const SHOWN = 50;

/** What was found of the rows that can be read. */
interface Found {
  readonly where: string[];
  readonly widths: number[];
  readonly heights: number[];
  readonly captionLengths: number[];
  /** Size that each was prepared to. */
  readonly prepared: PictureSize[];
  readonly perceptual: string[];
  /** Rows of each picture, by the sha256 of its file. */
  readonly bySha256: Map<string, number[]>;
  readonly sheet: GridRow[];
}

/**
 * Reads all of a user's pictures and writes a report of them.
 * @returns what to say at the terminal, line by line
 * @throws DataError for data that cannot be opened, or the first bad row where these stop; ReportError foreign-files
 */
export async function checkData(options: UserDataOptions, out: string, command: string): Promise<string[]> {
  await checkReportFolder(out);
  const started = performance.now();
  const data = await openUserData(options);
  try {
    const found = await readAll(data);
    const same = [...found.bySha256.values()].filter((rows) => rows.length > 1);
    const near = nearPairs(found.perceptual, MAX_PAIRS);
    const takeaway = `${count(found.where.length, 'picture')} of ${count(data.rows, 'row')} can be read; ${data.problems.length} cannot, ${count(same.length, 'picture')} ${same.length === 1 ? 'is' : 'are'} there more than once.`;
    await writeReport(out, {
      id: 'data-check',
      title: `Check of ${data.id}`,
      takeaway,
      lead: 'sheet',
      summary: `Read as ${data.format}, cut to ${options.bucketStep === undefined ? `squares of ${options.resolution} pixels` : `aspect buckets of about ${options.resolution} x ${options.resolution} pixels, sides multiples of ${options.bucketStep}`}. Conditions: ${data.conditions.join(', ')}.`,
      claims: [],
      sections: [
        {
          id: 'pictures',
          title: 'Pictures',
          blocks: [sheetBlock(data, found), sizesBlock(found), ...(options.bucketStep === undefined ? [] : [bucketsBlock(found)])],
        },
        { id: 'problems', title: 'Rows that cannot be read', blocks: [problemsBlock(data.problems)] },
        { id: 'duplicates', title: 'Duplicates', blocks: duplicateBlocks(found, same, near) },
      ],
      provenance: {
        commit: currentCommit(),
        profile: 'check',
        configHash: null,
        weightsHash: null,
        datasetHash: data.hash,
        engine: 'none',
        machine: machine(),
        wallSeconds: Math.round((performance.now() - started) / 1000),
        finishedAt: new Date().toISOString(),
        command,
      },
      attribution: [],
    });
    return [
      takeaway,
      ...data.problems.slice(0, SHOWN).map(({ where, reason }) => `  ${where}: ${reason}`),
      ...(data.problems.length > SHOWN ? [`  ... (${data.problems.length}, all in the report)`] : []),
      `Report: ${out}/index.html`,
    ];
  } finally {
    await data.close();
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

async function readAll(data: UserData): Promise<Found> {
  const found: Found = {
    where: [],
    widths: [],
    heights: [],
    captionLengths: [],
    prepared: [],
    perceptual: [],
    bySha256: new Map(),
    sheet: [],
  };
  const seen = new Set<string>();
  const every = Math.max(1, Math.ceil(data.length / SHEET));
  for (let i = 0; i < data.length; i++) {
    const example = await data.example(i);
    const { image, captions, where, size, sha256 } = example;
    // In a large set the next good row stands in for a bad one: it counts once.
    if (seen.has(where)) continue;
    seen.add(where);
    const row = found.where.push(where) - 1;
    found.widths.push(size.width);
    found.heights.push(size.height);
    found.captionLengths.push(captions['caption']!.length);
    found.prepared.push({ width: image.width, height: image.height });
    found.perceptual.push(differenceHash(image));
    found.bySha256.set(sha256, [...(found.bySha256.get(sha256) ?? []), row]);
    if (i % every === 0) {
      const conditions = data.conditions.map((id) => ({ ...example.condition(id), alt: `${id} of ${where}` }));
      found.sheet.push({ label: where, detail: captions['caption']!.slice(0, 200), images: [{ ...image, alt: where }, ...conditions] });
    }
  }
  return found;
}

const sheetBlock = (data: UserData, { sheet }: Found): Block => ({
  kind: 'image-grid',
  id: 'sheet',
  caption: 'Pictures as they are trained on, spread evenly over the data, and their conditions',
  columns: ['picture', ...data.conditions],
  rows: sheet,
});

function sizesBlock({ widths, heights, captionLengths }: Found): Block {
  const row = (label: string, values: readonly number[]): TableRow => {
    const sorted = values.toSorted((a, b) => a - b);
    return { label, cells: [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!] };
  };
  return {
    kind: 'table',
    id: 'sizes',
    caption: 'Sizes in pixels, and lengths of captions in characters',
    rowHeader: '',
    columns: [{ label: 'smallest' }, { label: 'median' }, { label: 'largest' }],
    rows: [row('width', widths), row('height', heights), row('caption', captionLengths)],
  };
}

/** Share of a picture that stands over when it covers another size. */
const cutOff = (width: number, height: number, to: PictureSize): number => {
  const ratio = (width * to.height) / (height * to.width);
  return 1 - Math.min(ratio, 1 / ratio);
};

/** How many pictures are in each aspect bucket, and what of them is cut off. */
function bucketsBlock({ widths, heights, prepared }: Found): Block {
  const buckets = new Map<string, number[]>();
  for (const [i, { width, height }] of prepared.entries()) {
    const key = `${width} x ${height}`;
    buckets.set(key, [...(buckets.get(key) ?? []), i]);
  }
  return {
    kind: 'table',
    id: 'buckets',
    caption:
      'Aspect buckets: the size that each picture is cut to is that of the nearest proportions. A batch is of one bucket; one with fewer pictures than a batch repeats some of them to fill it.',
    rowHeader: 'size',
    columns: [{ label: 'pictures' }, { label: 'cut off, mean share' }],
    rows: [...buckets]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([label, pictures]) => {
        const shares = pictures.map((i) => cutOff(widths[i]!, heights[i]!, prepared[i]!));
        return { label, cells: [pictures.length, Number((shares.reduce((a, b) => a + b, 0) / shares.length).toFixed(3))] };
      }),
  };
}

const tableOf = (id: string, caption: string, columns: readonly string[], rows: readonly TableRow[]): Block => ({
  ...{ kind: 'table', id, caption, rowHeader: 'row', columns: columns.map((label) => ({ label })), rows, shown: SHOWN },
});

const problemsBlock = (problems: readonly RowProblem[]): Block =>
  problems.length === 0
    ? { kind: 'prose', text: 'None.' }
    : tableOf(
        'bad-rows',
        'Rows and files that cannot be read',
        ['reason'],
        problems.map(({ where, reason }) => ({ label: where, cells: [reason] })),
      );

function duplicateBlocks({ where }: Found, same: readonly (readonly number[])[], near: readonly (readonly [number, number])[]): Block[] {
  if (same.length === 0 && near.length === 0) return [{ kind: 'prose', text: 'None, exact or near.' }];
  const exact = same.map((rows) => ({
    label: where[rows[0]!]!,
    cells: [
      rows
        .slice(1)
        .map((row) => where[row]!)
        .join('; '),
    ],
  }));
  const alike = near.map(([a, b]) => ({ label: where[a]!, cells: [where[b]!] }));
  return [
    ...(exact.length === 0 ? [] : [tableOf('same', 'The same file, byte for byte', ['again in'], exact)]),
    ...(alike.length === 0
      ? []
      : [
          tableOf(
            'near',
            `Difference hashes that differ in at most ${NEAR_BITS} of 64 bits (at most ${MAX_PAIRS} pairs)`,
            ['much like'],
            alike,
          ),
        ]),
  ];
}
