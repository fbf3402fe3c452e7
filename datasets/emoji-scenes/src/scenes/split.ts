import { fmix32, hashString } from './hash.ts';
import type { EmojiObject } from '../catalogue/catalogue.ts';

/**
 * `train` holds no held-out object and no held-out combination. Every scene of `val-combination` is a held-out combination of objects that
 * are each seen in training; every scene of `val-object` holds an object never seen in training.
 */
export const splits = ['train', 'val-combination', 'val-object'] as const;

export type Split = (typeof splits)[number];

/** Whether this set of two or more objects is kept out of training: one in twenty, whatever their order, tier and places. */
export function isHeldOutCombination(objects: readonly EmojiObject[]): boolean {
  if (objects.length < 2) return false;
  const keys = objects.map((object) => hashString(object.hexcode)).sort((a, b) => a - b);
  let hash = 17;
  for (const key of keys) hash = fmix32(hash ^ key);
  return (hash >>> 0) % 20 === 0;
}
