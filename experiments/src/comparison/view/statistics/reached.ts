/** When a quantity reached a target in a training: between evaluations interpolated; all its steps, `censored`, where it never did. */
export interface Reached {
  readonly steps: number;
  readonly censored: boolean;
}

/**
 * When values reach a target for the first time.
 * @param direction `up`: from below; by default whichever way the target lies from the first value
 */
export function reached(
  steps: readonly number[],
  values: readonly number[],
  target: number,
  direction: 'up' | 'down' = values[0]! < target ? 'up' : 'down',
): Reached {
  const k = values.findIndex((value) => (direction === 'up' ? value >= target : value <= target));
  if (k < 0) return { steps: steps.at(-1)!, censored: true };
  if (k === 0) return { steps: steps[0]!, censored: false };
  const share = (values[k - 1]! - target) / (values[k - 1]! - values[k]!);
  return { steps: steps[k - 1]! + share * (steps[k]! - steps[k - 1]!), censored: false };
}
