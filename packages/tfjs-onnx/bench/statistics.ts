/** Of timings in milliseconds, in the order they were taken. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  samples: number[];
}

/** Rounded: a JSON of 17 digits is no more exact. */
export const round = (value: number, digits = 3): number =>
  Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(Math.abs(value) || 1)))));

export function summary(samples: readonly number[], digits = 4): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return {
    median: round(median, digits),
    min: round(sorted[0]!, digits),
    max: round(sorted.at(-1)!, digits),
    samples: samples.map((x) => round(x, digits)),
  };
}
