import { filmStripGrid } from '../model/film-strip.ts';
import { judge } from '../statistics/verdict.ts';
import { isMeasurement } from '../model/cell.ts';
import type { PlacedGrid } from './place-images.ts';
import type { Block, Cell, Report } from '../model/report.ts';

const CONFIDENCE = 0.95;

const cell = (value: Cell): unknown => (isMeasurement(value) ? { ...value, confidence: CONFIDENCE } : value);

const block = (content: Block, grids: ReadonlyMap<string, PlacedGrid>): unknown[] => {
  switch (content.kind) {
    case 'prose':
    case 'note':
      return [];
    case 'table':
      return [{ ...content, csv: `${content.id}.csv`, rows: content.rows.map(({ label, cells }) => ({ label, cells: cells.map(cell) })) }];
    case 'line':
      return [{ ...content, csv: `${content.id}.csv`, confidence: CONFIDENCE }];
    case 'bar':
      return [
        { ...content, csv: `${content.id}.csv`, series: content.series.map(({ label, values }) => ({ label, values: values.map(cell) })) },
      ];
    case 'film-strip':
      return block(filmStripGrid(content), grids);
    case 'image-grid':
      return [
        {
          ...content,
          rows: content.rows.map(({ images, ...row }, i) => ({
            ...row,
            images: images.map(
              (image, j) =>
                image && {
                  alt: image.alt,
                  caption: image.caption,
                  width: image.width,
                  height: image.height,
                  ...grids.get(content.id)!.places[i]![j]!,
                },
            ),
          })),
        },
      ];
  }
};

/** Every measured number of the tables under one flat name, `table/row/column`: for programs that want a number, not a page. */
const flatMetrics = ({ sections }: Report): Record<string, number> =>
  Object.fromEntries(
    sections.flatMap(({ blocks }) =>
      blocks.flatMap((content) =>
        content.kind !== 'table'
          ? []
          : content.rows.flatMap(({ label, cells }) =>
              cells.flatMap((value, i) => {
                const column = content.columns[i]!;
                const name = [content.id, label, ...(column.group === undefined ? [] : [column.group]), column.label].join('/');
                return typeof value === 'number' ? [[name, value]] : isMeasurement(value) ? [[name, value.value]] : [];
              }),
            ),
      ),
    ),
  );

/**
 * The report as JSON: every number at full precision with its interval, n and seeds; null is "not measured". `provenance` at the top holds
 * for every number that carries none of its own. Apart from `provenance` keys, identical runs give identical bytes.
 */
export const reportResults = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { id, title, takeaway, summary, claims, sections, provenance, attribution } = report;
  const judgements = judge(claims);
  const results = {
    format: 'controllab-report-2',
    id,
    title,
    takeaway,
    ...(report.lead === undefined ? {} : { lead: report.lead }),
    summary,
    claims: claims.map((claim, i) => ({
      ...claim,
      results: claim.results.map((result, k) => ({ ...result, measured: cell(result.measured), ...judgements[i]![k]! })),
    })),
    metrics: flatMetrics(report),
    sections: sections.map((section) => ({
      id: section.id,
      title: section.title,
      blocks: section.blocks.flatMap((content) => block(content, grids)),
    })),
    attribution,
    provenance,
  };
  return `${JSON.stringify(results, null, 2)}\n`;
};
