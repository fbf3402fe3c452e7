/** Of timings in milliseconds, in the order they were taken. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  samples: number[];
}

/** A median with an interval that holds the true one, whatever the distribution. */
export interface MedianInterval {
  median: number;
  interval: [low: number, high: number];
  /** How often such an interval holds the true median: at least 95% from six samples on, less for fewer. */
  coverage: number;
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

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);

/**
 * The interval between two order statistics, the narrowest symmetric one that covers the median 95% of the time (Conover 1999, Practical
 * Nonparametric Statistics, section 3.2): the k-th smallest and the k-th largest cover it unless fewer than k samples fall on one side.
 */
export function medianInterval(samples: readonly number[], digits = 3): MedianInterval {
  const sorted = [...samples].sort((a, b) => a - b);
  const n = sorted.length;
  const coverage = (k: number): number => {
    let outside = 0;
    for (let below = 0; below < k; below++) outside += choose(n, below);
    return 1 - (2 * outside) / 2 ** n;
  };
  let k = 1;
  while (2 * (k + 1) <= n && coverage(k + 1) >= 0.95) k++;
  const { median } = summary(samples, digits);
  return {
    median,
    interval: [round(sorted[k - 1]!, digits), round(sorted[n - k]!, digits)],
    coverage: round(n === 1 ? 0 : coverage(k), 3),
    samples: samples.map((x) => round(x, digits)),
  };
}
