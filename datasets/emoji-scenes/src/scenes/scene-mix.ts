/** Relative weights of the four kinds of scene; they need not sum to 1. */
export interface SceneMix {
  readonly largeSingle: number;
  readonly smallSingle: number;
  readonly pair: number;
  readonly row: number;
}

/**
 * One, two or three objects in 40, 40 and 20% of the scenes, half of the singles large; at 32 px and less, where three are mush, one or two
 * in 65 and 35%.
 */
export function defaultMix(size: number): SceneMix {
  return size <= 32
    ? { largeSingle: 0.325, smallSingle: 0.325, pair: 0.35, row: 0 }
    : { largeSingle: 0.2, smallSingle: 0.2, pair: 0.4, row: 0.2 };
}

/** For training a small model: more of what it can learn first, one large object. */
export const trainingMix: SceneMix = { largeSingle: 0.5, smallSingle: 0.2, pair: 0.3, row: 0 };
