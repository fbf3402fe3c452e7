import type { Arm } from '../model/report.ts';

/** Colours that tell arms apart; further arms begin again, with other dashes and symbols. */
export const ARM_COLOURS = 8;

/**
 * Place of an arm among those compared, which gives its colour, dash and symbol in every figure and table; undefined where none is named.
 */
export const armIndex = (arms: readonly Arm[], arm: string | undefined): number | undefined => {
  const index = arms.findIndex(({ id }) => id === arm);
  return index < 0 ? undefined : index;
};

/** A dot in an arm's colour, for row and column headers. */
export const swatch = (arms: readonly Arm[], arm: string | undefined): string => {
  const index = armIndex(arms, arm);
  return index === undefined ? '' : `<span class="swatch series-${(index % ARM_COLOURS) + 1}" aria-hidden="true"></span>`;
};
