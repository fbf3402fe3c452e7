import { claimVerdict } from './render-claims.ts';
import { isMeasurement } from './cell.ts';
import type { PlacedGrid } from './place-images.ts';
import type { Block, Cell, Report } from './report.ts';

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

/**
 * The report as JSON: every number at full precision with its interval, n and seeds; null is "not measured". `provenance` at the top holds
 * for every number that carries none of its own. Apart from `provenance` keys, identical runs give identical bytes.
 */
export const reportResults = (report: Report, grids: ReadonlyMap<string, PlacedGrid>): string => {
  const { id, title, summary, claims, sections, provenance, attribution } = report;
  const results = {
    format: 'controllab-report-1',
    id,
    title,
    summary,
    claims: claims.map((claim) => ({ ...claim, measured: cell(claim.measured), verdict: claimVerdict(claim) })),
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
