/** What the comparisons' networks are conditioned on: ids of their data's conditions, and how texts and axes call them. */
export const CONDITIONS = {
  scribble: { label: 'scribble' },
  canny: { label: 'Canny edges' },
  segmentation: { label: 'segmentation map' },
  mask: { label: 'object mask' },
  depth: { label: 'depth map' },
  /** Two maps in one picture, a channel each. */
  'canny+mask': { label: 'edges and mask in one picture' },
  /** Of fill50k. */
  source: { label: 'circle outline' },
} as const;

/** Those that every emoji scene has a map of. */
export const SCENE_CONDITIONS = [
  'scribble',
  'canny',
  'segmentation',
  'mask',
  'depth',
] as const satisfies readonly (keyof typeof CONDITIONS)[];

export type ConditionId = keyof typeof CONDITIONS;

/** Of each condition a record, still empty. */
export const byCondition = <T>(conditions: readonly ConditionId[]): Record<string, Record<string, T>> =>
  Object.fromEntries(conditions.map((condition) => [condition, {}]));
