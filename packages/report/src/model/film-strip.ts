import type { FilmStrip, ImageGrid } from './report.ts';

/** A film strip as the grid of pictures that it is: the condition, then a column for each training step. */
export const filmStripGrid = ({ id, caption, condition, steps, rows }: FilmStrip): ImageGrid => ({
  kind: 'image-grid',
  id,
  caption,
  columns: ['condition', ...steps.map((step) => ({ group: 'training step', label: step.toLocaleString('en-US') }))],
  rows: rows.map(({ label, arm, images }) => ({ label, ...(arm === undefined ? {} : { arm }), images: [condition, ...images] })),
});
