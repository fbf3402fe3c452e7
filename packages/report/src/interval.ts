import { counterUniform } from './counter-random.ts';
import { ReportError } from './report-error.ts';

/** A mean with its 95% confidence interval. */
export interface Estimate {
  readonly value: number;
  /** [lo, hi], or null where one sample gives no interval. */
  readonly interval: readonly [lo: number, hi: number] | null;
  /** Number of independent samples behind `value`. */
  readonly n: number;
  /** How the interval was made, in words for a reader. */
  readonly method: string;
}

const RESAMPLES = 10_000;

/** Below this the percentile bootstrap is too narrow (at n = 3 a "95%" interval covers about 75%), and Student's t is used. */
const BOOTSTRAP_FROM = 20;

/** 97.5% quantiles of Student's t for 1, 2, ... 18 degrees of freedom (any table of the t distribution). */
const T_975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101];

const mean = (samples: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]!;
  return sum / samples.length;
};

/** Linear interpolation between order statistics (Hyndman and Fan's type 7, numpy's default). */
const quantile = (sorted: Float64Array, q: number): number => {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const lo = sorted[below]!;
  return lo + (position - below) * ((sorted[below + 1] ?? lo) - lo);
};

/** The middle sample, or the mean of the two in the middle; NaN of none. */
export const median = (samples: ArrayLike<number>): number =>
  samples.length === 0 ? NaN : quantile(Float64Array.from(samples).sort(), 0.5);

const bootstrap = (samples: ArrayLike<number>, seed: number): [number, number] => {
  const n = samples.length;
  const means = new Float64Array(RESAMPLES);
  for (let b = 0; b < RESAMPLES; b++) {
    const uniform = counterUniform(seed, b);
    let sum = 0;
    for (let j = 0; j < n; j++) sum += samples[Math.floor(uniform(j) * n)]!;
    means[b] = sum / n;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
};

const studentT = (samples: ArrayLike<number>, centre: number): [number, number] => {
  const n = samples.length;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (samples[i]! - centre) ** 2;
  const half = T_975[n - 2]! * Math.sqrt(squares / (n - 1) / n);
  return [centre - half, centre + half];
};

/**
 * The mean of independent samples with a 95% interval: a percentile bootstrap (Efron and Tibshirani 1993, chapter 13; 10,000 resamples
 * drawn by counter from `seed`, so the same samples give the same interval), or below 20 samples Student's t, because the percentile
 * bootstrap is too narrow there (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 4). One sample has no interval.
 * Samples must be independent: pass one number per training seed, or per image of one model, never the two mixed.
 * @throws ReportError `empty-samples`, `non-finite`
 */
export const meanInterval = (samples: ArrayLike<number>, seed = 1): Estimate => {
  const n = samples.length;
  if (n === 0) throw new ReportError('empty-samples', 'an interval needs at least one sample, got none');
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(samples[i]))
      throw new ReportError('non-finite', `sample ${i} of ${n} is ${samples[i]}, expected a finite number`, {
        index: i,
        value: samples[i],
      });
  }
  const value = mean(samples);
  if (n === 1) return { value, interval: null, n, method: 'one sample, no interval' };
  if (n < BOOTSTRAP_FROM) return { value, interval: studentT(samples, value), n, method: "95% Student's t" };
  return {
    value,
    interval: bootstrap(samples, seed),
    n,
    method: `95% percentile bootstrap, ${RESAMPLES.toLocaleString('en-US')} resamples`,
  };
};

/**
 * The mean of a[i] - b[i] with its 95% interval (see meanInterval). Pairing (the same prompt, condition and noise under two variants)
 * removes what both share; two intervals side by side do not.
 * @throws ReportError `length-mismatch`, `empty-samples`, `non-finite`
 */
export const pairedDifferenceInterval = (a: ArrayLike<number>, b: ArrayLike<number>, seed = 1): Estimate => {
  if (a.length !== b.length)
    throw new ReportError('length-mismatch', `paired samples need equal lengths, got ${a.length} and ${b.length}`, {
      a: a.length,
      b: b.length,
    });
  return meanInterval(
    Float64Array.from(a, (value, i) => value - b[i]!),
    seed,
  );
};
