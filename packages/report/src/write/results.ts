import { isMeasurement } from '../model/cell.ts';
import type { Block, Cell, Claim, GridImage, GridRow, Measurement, Report, Table } from '../model/report.ts';
import { judge } from '../statistics/judge.ts';
import type { PlacedGrid, PlacedImage } from './place-images.ts';
import { RESULTS_FORMAT } from './stored-report.ts';

const CONFIDENCE = 0.95;

const cell = (value: Cell): unknown => (isMeasurement(value) ? { ...value, confidence: CONFIDENCE } : value);

/** An image in JSON: what is said of it and where it lies, in place of its pixels. */
const imageEntry = ({ rgb: _rgb, ...image }: GridImage, place: PlacedImage): unknown => ({ ...image, ...place });

const rowEntries = (rows: readonly GridRow[], { places }: PlacedGrid): unknown[] =>
  rows.map(({ images, ...row }, i) => ({ ...row, images: images.map((image, j) => image && imageEntry(image, places[i]![j]!)) }));

const block = (content: Block, grids: ReadonlyMap<string, PlacedGrid>): unknown[] => {
  switch (content.kind) {
    case 'prose':
    case 'note':
      return [];
    case 'table':
      return [
        { ...content, csv: `${content.id}.csv`, rows: content.rows.map(({ cells, ...row }) => ({ ...row, cells: cells.map(cell) })) },
      ];
    case 'line':
      return [{ ...content, csv: `${content.id}.csv`, confidence: CONFIDENCE }];
    case 'bar':
      return [
        {
          ...content,
          csv: `${content.id}.csv`,
          series: content.series.map(({ values, ...series }) => ({ ...series, values: values.map(cell) })),
        },
      ];
    case 'pair-study':
      return [{ ...content, pairs: content.pairs.length, page: `${content.id}.html` }];
    case 'image-grid':
      return [{ ...content, rows: rowEntries(content.rows, grids.get(content.id)!) }];
    case 'film-strip': {
      const placed = grids.get(content.id)!;
      return [{ ...content, condition: imageEntry(content.condition, placed.condition!), rows: rowEntries(content.rows, placed) }];
    }
  }
};

type Named = readonly [name: string, value: number | Measurement];
const named = (name: string, value: Cell): Named[] => (typeof value === 'number' || isMeasurement(value) ? [[name, value]] : []);

/** Of data the table's CSV is the flat form: thousands of rows would bury the numbers that a report is about. */
const tableCells = ({ id, columns, rows, shown }: Table): Named[] =>
  (shown === undefined ? rows : []).flatMap(({ label, cells }) =>
    cells.flatMap((value, i) => {
      const { group, label: column } = columns[i]!;
      return named([id, label, ...(group === undefined ? [] : [group]), column].join('/'), value);
    }),
  );

const blockCells = (content: Block): Named[] => {
  switch (content.kind) {
    case 'table':
      return tableCells(content);
    case 'bar':
      return content.series.flatMap(({ label, values }) =>
        values.flatMap((value, i) => named([content.id, label, content.categories[i]!].join('/'), value)),
      );
    case 'line':
      return content.series.flatMap(({ label, y }) => (y.length === 0 ? [] : [[`${content.id}/${label}`, y.at(-1)!] as const]));
    default:
      return [];
  }
};

/**
 * Every number of a report, also of one that was read back from results.json, under one flat name: `claim` or `claim/control`,
 * `table/row/column` (or `table/row/group/column`), `figure/series/category`, and `figure/series` for the last point of a curve. A name
 * that comes again is numbered.
 */
export const reportNumbers = ({ claims, sections }: Pick<Report, 'claims' | 'sections'>): ReadonlyMap<string, number | Measurement> => {
  const entries = [
    ...claims.flatMap(({ id, results }) => results.flatMap((one) => named(one.label === null ? id : `${id}/${one.label}`, one.measured))),
    ...sections.flatMap(({ blocks }) => blocks.flatMap(blockCells)),
  ];
  const seen = new Map<string, number>();
  return new Map(
    entries.map(([name, value]) => {
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return [times === 1 ? name : `${name} (${times})`, value];
    }),
  );
};

/** The numbers alone, for programs that want a number, not a page. */
const flatMetrics = (report: Report): Record<string, number> =>
  Object.fromEntries([...reportNumbers(report)].map(([name, value]) => [name, typeof value === 'number' ? value : value.value]));

/** One row a training behind a claim: a table for whoever wants to test otherwise. */
const trainingRows = (claims: readonly Claim[]): unknown[] =>
  claims.flatMap(({ id, basis, results }) =>
    results.flatMap(({ label, measured: of }) =>
      (basis === 'trainings' ? (of?.perTraining ?? []) : []).map((value, i) => ({ claim: id, control: label, seed: of!.seeds[i]!, value })),
    ),
  );

/**
 * The report as JSON: every number at full precision with its interval, n and seeds; null is "not measured". `provenance` at the top holds
 * for every number that carries none of its own. Apart from `provenance` keys, identical runs give identical bytes.
 */
export const reportResults = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { claims, sections, provenance, attribution, id, title, takeaway, lead, summary, arms } = report;
  const judgements = judge(claims);
  const results = {
    format: RESULTS_FORMAT,
    id,
    title,
    takeaway,
    lead,
    summary,
    arms,
    claims: claims.map((claim, i) => ({
      ...claim,
      results: claim.results.map((result, k) => ({ ...result, measured: cell(result.measured), ...judgements[i]![k]! })),
    })),
    metrics: flatMetrics(report),
    trainings: trainingRows(claims),
    sections: sections.map((section) => ({ ...section, blocks: section.blocks.flatMap((content) => block(content, grids)) })),
    attribution,
    provenance,
  };
  return `${JSON.stringify(results, null, 2)}\n`;
};
