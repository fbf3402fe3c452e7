import type { Block, FilmStrip, ImageGrid } from './report.ts';

/** The pictures of a film strip as a grid; its condition stands beside it. */
const stripGrid = ({ id, caption, steps, rows }: FilmStrip): ImageGrid => ({
  kind: 'image-grid',
  id,
  caption,
  columns: steps.map((step) => ({ group: 'training step', label: step.toLocaleString('en-US') })),
  rows,
});

/** The grid of pictures that a block is; null for blocks without pictures. */
export const gridOf = (block: Block): ImageGrid | null =>
  block.kind === 'image-grid' ? block : block.kind === 'film-strip' ? stripGrid(block) : null;
