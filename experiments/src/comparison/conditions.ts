/** What the comparisons' networks are conditioned on: ids of emoji-scenes' conditions, and how texts and axes call them. */
export const CONDITIONS = {
  scribble: { label: 'scribble' },
  canny: { label: 'Canny edges' },
  segmentation: { label: 'segmentation map' },
  mask: { label: 'object mask' },
  depth: { label: 'depth map' },
  /** Two maps in one picture, a channel each. */
  'canny+mask': { label: 'edges and mask in one picture' },
} as const;

export type ConditionId = keyof typeof CONDITIONS;
