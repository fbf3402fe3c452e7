import sharp from 'sharp';
import { literal, type Attribution, type Block, type Column, type GridImage, type ImageGrid } from '@controllab/report';
import type { Provenance, Report, Section, Table } from '@controllab/report';
import { isStatistics, type FeatureStatistics } from '../frechet/feature-statistics.ts';
import { CONVERSIONS, type ImageSource } from '@controllab/data';
import type { Evaluation } from './evaluate.ts';
import { decoded, type ReadSet, type SetSummary } from './read-set.ts';
import { GROUPS, quoted, type ImageScores, type Score } from './score.ts';

/** Images of a row, rows of either end of a score, and the images' sides in the report. */
const ROW = 4;
const ROWS = 2;
const SIDE = 256;
/** Rows of a table of duplicates. */
const LISTED = 20;

export interface ReportContext {
  evaluation: Evaluation;
  sources: { generated: ImageSource; reference: ImageSource | null };
  provenance: Provenance;
  attribution: readonly Attribution[];
}

/** The report of an evaluation. Reads again the images it shows. */
export async function evaluationReport({ evaluation, sources, provenance, attribution }: ReportContext): Promise<Report> {
  const { generated, reference, scores, images, notes } = evaluation;
  const sections: Section[] = [];
  for (const [group, { title, caption }] of Object.entries(GROUPS) as [Score['group'], (typeof GROUPS)[Score['group']]][]) {
    const own = scores.filter((score) => score.group === group);
    if (own.length > 0) sections.push({ id: group, title, blocks: [scoreTable(group, caption, own)] });
  }
  if (notes.length > 0) sections.push({ id: 'remarks', title: 'What to know about these numbers', blocks: asNotes(notes) });
  for (const one of images.filter(({ tableOnly }) => !tableOnly)) sections.push(await imageScoreSection(one, generated, sources.generated));
  if (images.length > 0) sections.push({ id: 'every-image', title: 'Every image', blocks: [imageTable(generated.names, images)] });
  sections.push({
    id: 'images',
    title: 'The images',
    blocks: [setsTable(evaluation), ...asNotes(setRemarks(evaluation)), await someImages(evaluation, sources)],
  });
  sections.push({ id: 'duplicates', title: 'Duplicates', blocks: duplicateBlocks(evaluation) });
  return {
    id: 'evaluate',
    title: `Evaluation of ${nameOf(generated.path)}`,
    takeaway: literal(summary(generated, reference, scores)),
    summary: '',
    claims: [],
    sections,
    provenance,
    attribution,
  };
}

const nameOf = (path: string): string =>
  path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1) || path;
const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;
const short = ({ value }: Score): string => (typeof value === 'number' ? value : value.value).toPrecision(4);

function summary(generated: ReadSet, reference: ReadSet | FeatureStatistics | null, scores: readonly Score[]): string {
  const against =
    reference === null
      ? ''
      : isStatistics(reference)
        ? ` against the statistics of ${reference.n === null ? 'an unknown number of images' : count(reference.n, 'image')}`
        : ` against ${count(reference.names.length, 'reference image')}`;
  const first = scores.find(({ set }) => set === 'generated');
  return `${count(generated.names.length, 'generated image')}${against}.${first ? ` ${quoted(first)}: ${short(first)}.` : ''}`;
}

function scoreTable(id: string, caption: string, scores: readonly Score[]): Table {
  const columns = scores.filter((score, i) => scores.findIndex((other) => quoted(other) === quoted(score)) === i);
  const sets = [...new Set(scores.map(({ set }) => set))];
  return {
    kind: 'table',
    id: `${id}-scores`,
    caption,
    rowHeader: 'Images',
    columns: columns.map(({ quantity, by, better, decimals }): Column => ({
      label: quantity,
      better,
      ...(by === null ? {} : { group: by }),
      ...(decimals === undefined ? {} : { decimals }),
    })),
    rows: sets.map((set) => ({
      label: set,
      cells: columns.map((column) => scores.find((score) => score.set === set && quoted(score) === quoted(column))?.value ?? null),
    })),
  };
}

function setsTable({ generated, reference, maps }: Evaluation): Table {
  const sides = ([from, to]: [number, number]) => (from === to ? String(from) : `${from} to ${to}`);
  const row = (label: string, set: SetSummary) => ({
    label,
    cells: [set.names.length, set.path, set.kind, sides(set.width), sides(set.height), set.skipped.count, set.imageSet.hash.slice(0, 16)],
  });
  const rows = [row('generated', generated)];
  if (isStatistics(reference))
    rows.push({
      label: 'reference',
      cells: [reference.n ?? 'not given', 'statistics', 'statistics', '', '', 0, reference.imageSet?.hash.slice(0, 16) ?? 'not given'],
    });
  else if (reference !== null) rows.push(row('reference', reference));
  for (const [label, set] of Object.entries(maps) as [string, SetSummary | null][]) if (set !== null) rows.push(row(label, set));
  return {
    kind: 'table',
    id: 'sets',
    caption: 'What was read',
    rowHeader: 'Set',
    columns: ['Images', 'From', 'Kind', 'Width', 'Height', 'Other files', 'Hash of the set'].map((label) => ({ label })),
    rows,
  };
}

/** Names of files and networks stand in them: text all through. */
const asNotes = (texts: readonly string[]): Block[] => texts.map((text) => ({ kind: 'note', text: literal(text) }));

/** Rows of the table of all images that the page shows. */
const SHOWN = 20;

/** The scores of every image by its name. */
const imageTable = (names: readonly string[], scores: readonly ImageScores[]): Table => ({
  kind: 'table',
  id: 'image-scores',
  caption: 'The scores of every generated image',
  rowHeader: 'file',
  columns: scores.map(({ label }) => ({ label })),
  rows: names.map((label, i) => ({ label, cells: scores.map(({ values }) => (Number.isNaN(values[i]) ? null : values[i]!)) })),
  shown: SHOWN,
});

/** What was done to images as they were read, and what was passed over. */
export function setRemarks({ generated, reference, maps }: Pick<Evaluation, 'generated' | 'reference' | 'maps'>): string[] {
  const sets: [string, SetSummary | null][] = [
    ['generated image', generated],
    ['reference image', reference === null || isStatistics(reference) ? null : reference],
    ['condition map', maps.condition],
    ['predicted map', maps.predicted],
  ];
  return sets.flatMap(([name, set]) => {
    if (set === null) return [];
    const { conversions, skipped } = set;
    // Maps are grey by their nature.
    const told = [...conversions].filter(([conversion]) => name.endsWith('image') || conversion !== 'grey');
    return [
      ...told.map(([conversion, n]) => `${count(n, name)}: ${CONVERSIONS[conversion]}.`),
      ...(skipped.count > 0 ? [`${count(skipped.count, 'other file')} beside the ${name}s passed over: ${skipped.text()}.`] : []),
    ];
  });
}

/** Distribution, worst and best of one score. */
async function imageScoreSection({ id, label, values, better }: ImageScores, { names }: ReadSet, source: ImageSource): Promise<Section> {
  const order = names.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const shown = Math.min(ROW * ROWS, Math.floor(names.length / 2));
  const [lowest, highest] = [order.slice(0, shown), order.slice(names.length - shown).reverse()];
  const ends = better === 'higher' ? { worst: lowest, best: highest } : { worst: highest, best: lowest };
  const blocks: Block[] = [
    {
      kind: 'line',
      id: `${id}-distribution`,
      caption: `Share of the ${names.length} images that score at most so much`,
      x: { label },
      y: { label: 'share of images' },
      series: [
        {
          label: 'generated',
          x: order.map((i) => values[i]!),
          y: order.map((_, rank) => (rank + 1) / names.length),
          n: names.length,
          seeds: [],
        },
      ],
    },
  ];
  if (shown > 0) {
    const thumbnails = await readThumbnails(
      source,
      [...ends.worst, ...ends.best].map((i) => names[i]!),
    );
    const columns = Math.min(ROW, shown);
    const rows = Object.entries(ends).flatMap(([end, indices]) =>
      Array.from({ length: Math.ceil(shown / columns) }, (_, row) => {
        const part = indices.slice(row * columns, (row + 1) * columns);
        const images = part.map((i) => ({ ...thumbnails.get(names[i]!)!, caption: `${values[i]!.toPrecision(4)}, ${nameOf(names[i]!)}` }));
        return {
          label: end,
          detail: `places ${row * columns + 1} to ${row * columns + part.length}`,
          images: [...images, ...Array.from({ length: columns - part.length }, () => null)],
        };
      }),
    );
    blocks.push({
      kind: 'image-grid',
      id: `${id}-ends`,
      caption: `Worst and best ${label}, the extreme ones first; ${better} is better`,
      columns: Array.from({ length: columns }, () => ''),
      rows,
    });
  }
  return { id, title: label, blocks };
}

/** Some of either set, evenly spaced. */
async function someImages({ generated, reference }: Evaluation, sources: ReportContext['sources']): Promise<ImageGrid> {
  const sets = [{ label: 'generated', names: generated.names, source: sources.generated }];
  if (reference !== null && !isStatistics(reference) && sources.reference !== null)
    sets.push({ label: 'reference', names: reference.names, source: sources.reference });
  const columns = Math.min(ROW, Math.max(...sets.map(({ names }) => names.length)));
  const rows: ImageGrid['rows'][number][] = [];
  for (const { label, names, source } of sets) {
    const chosen = Array.from(
      { length: Math.min(columns, names.length) },
      (_, i) => names[Math.floor((i * names.length) / Math.min(columns, names.length))]!,
    );
    const thumbnails = await readThumbnails(source, chosen);
    rows.push({ label, images: Array.from({ length: columns }, (_, i) => thumbnails.get(chosen[i] ?? '') ?? null) });
  }
  return {
    kind: 'image-grid',
    id: 'examples',
    caption: 'Some of the images, evenly spaced',
    columns: Array.from({ length: columns }, () => ''),
    rows,
  };
}

/** The named images, fitted into a square on grey. */
async function readThumbnails(source: ImageSource, names: readonly string[]): Promise<Map<string, GridImage>> {
  const thumbnails = new Map<string, GridImage>();
  for await (const {
    entry: { name },
    image: { rgb, width, height },
  } of decoded(source, new Set(names))) {
    const fitted = sharp(rgb, { raw: { width, height, channels: 3 } }).resize(SIDE, SIDE, {
      fit: 'contain',
      background: '#808080',
      kernel: width < SIDE && height < SIDE ? 'nearest' : 'lanczos3',
    });
    thumbnails.set(name, { rgb: await fitted.raw().toBuffer(), width: SIDE, height: SIDE, alt: name, caption: nameOf(name) });
  }
  return thumbnails;
}

function duplicateBlocks({ duplicates: { generated, reference, across }, reference: set }: Evaluation): Block[] {
  const compared = set === null || isStatistics(set) ? '' : ', or in both sets';
  if (generated.length + reference.length + across.length === 0)
    return [{ kind: 'prose', text: `No two images have the same pixels, within a set${compared}.` }];
  const rows = [
    ...across.map((pair) => ({
      label: 'in both sets',
      cells: [
        pair.generated.length + pair.reference.length,
        [...pair.generated, ...pair.reference.map((name) => `reference ${name}`)],
      ] as const,
    })),
    ...generated.map((names) => ({ label: 'within the generated', cells: [names.length, names] as const })),
    ...reference.map((names) => ({ label: 'within the reference', cells: [names.length, names] as const })),
  ];
  const text = `Images with the same pixels: ${count(across.length, 'picture')} in both sets, ${generated.length} more than once among the generated, ${reference.length} more than once in the reference.`;
  return [
    { kind: 'prose', text: rows.length > LISTED ? `${text} The first ${LISTED} are listed.` : text },
    {
      kind: 'table',
      id: 'duplicate-groups',
      caption: 'Images with the same pixels',
      rowHeader: 'Where',
      columns: [{ label: 'Images' }, { label: 'Names' }],
      rows: rows.slice(0, LISTED).map(({ label, cells: [n, names] }) => ({
        label,
        cells: [n, `${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`],
      })),
    },
  ];
}
