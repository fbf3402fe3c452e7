import { uniform } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';
import { studentQuantile } from './student-t.ts';

/** A mean with its 95% confidence interval. */
export interface Estimate {
  readonly value: number;
  /** [lo, hi], or null where one sample gives no interval. */
  readonly interval: readonly [lo: number, hi: number] | null;
  /** Number of independent samples behind `value`. */
  readonly n: number;
  /** How the interval was made, in words for a reader. */
  readonly method: string;
  /** What the quantity can be: the interval lies inside. */
  readonly range?: readonly [lo: number, hi: number];
}

export interface IntervalOptions {
  /** Of the bootstrap's draws: an integer in [0, 2^32), by default 1. */
  readonly seed?: number;
  /**
   * What the quantity can be (for a difference: the difference): the interval is cut there. A confidence set stays one when it is
   * intersected with the possible values.
   */
  readonly range?: readonly [lo: number, hi: number];
  /** What was sampled, for the method's name: "5 trainings". */
  readonly over?: string;
}

const RESAMPLES = 10_000;

/** Below this the percentile bootstrap is too narrow (at n = 3 a "95%" interval covers about 75%), and Student's t is used. */
const BOOTSTRAP_FROM = 20;

export const mean = (samples: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]!;
  return sum / samples.length;
};

/** The sample's standard deviation, dividing by n - 1. */
export const deviation = (samples: ArrayLike<number>): number => {
  const centre = mean(samples);
  let squares = 0;
  for (let i = 0; i < samples.length; i++) squares += (samples[i]! - centre) ** 2;
  return Math.sqrt(squares / (samples.length - 1));
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
    const draws = uniform(seed, 'bootstrap', b, n);
    let sum = 0;
    for (let j = 0; j < n; j++) sum += samples[Math.floor(draws[j]! * n)]!;
    means[b] = sum / n;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
};

const studentT = (samples: ArrayLike<number>, centre: number): [number, number] => {
  const n = samples.length;
  const half = (studentQuantile(0.975, n - 1) * deviation(samples)) / Math.sqrt(n);
  return [centre - half, centre + half];
};

const checkSamples = (samples: ArrayLike<number>, range: IntervalOptions['range']): void => {
  const n = samples.length;
  if (n === 0) throw new ReportError('empty-samples', 'an interval needs at least one sample, got none');
  for (let i = 0; i < n; i++) {
    const sample = samples[i]!;
    if (!Number.isFinite(sample))
      throw new ReportError('non-finite', `sample ${i} of ${n} is ${sample}, expected a finite number`, { index: i, value: sample });
    if (range !== undefined && !(sample >= range[0] && sample <= range[1]))
      throw new ReportError('bad-interval', `sample ${i} of ${n} is ${sample}, outside the range [${range.join(', ')}]`, {
        index: i,
        value: sample,
      });
  }
};

/**
 * The mean of independent samples with a 95% interval: a percentile bootstrap (Efron and Tibshirani 1993, chapter 13; 10,000 resamples
 * drawn by counter from `seed`, so the same samples give the same interval), or below 20 samples Student's t, because the percentile
 * bootstrap is too narrow there (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 4). One sample has no interval.
 * An interval is cut at `range`. Samples must be independent: pass one number a training, or one a picture of one training, never the two
 * mixed.
 * @throws ReportError `empty-samples`, `non-finite`, `bad-interval` for a sample outside the range
 */
export const meanInterval = (samples: ArrayLike<number>, { seed = 1, range, over }: IntervalOptions = {}): Estimate => {
  checkSamples(samples, range);
  const n = samples.length;
  const value = mean(samples);
  const kept = range === undefined ? {} : { range };
  if (n === 1) return { value, interval: null, n, method: 'one sample, no interval', ...kept };
  const [lo, hi] = n < BOOTSTRAP_FROM ? studentT(samples, value) : bootstrap(samples, seed);
  const name = n < BOOTSTRAP_FROM ? "95% Student's t" : `95% percentile bootstrap, ${RESAMPLES.toLocaleString('en-US')} resamples`;
  const method = over === undefined ? name : `${name}, over ${over}`;
  return { value, interval: range === undefined ? [lo, hi] : [Math.max(lo, range[0]), Math.min(hi, range[1])], n, method, ...kept };
};

/**
 * The mean of a[i] - b[i] with its 95% interval (see meanInterval). Pairing (the same prompt, condition and noise under two variants)
 * removes what both share; two intervals side by side do not.
 * @throws ReportError `length-mismatch`, `empty-samples`, `non-finite`, `bad-interval`
 */
export const pairedDifferenceInterval = (a: ArrayLike<number>, b: ArrayLike<number>, options: IntervalOptions = {}): Estimate => {
  if (a.length !== b.length)
    throw new ReportError('length-mismatch', `paired samples need equal lengths, got ${a.length} and ${b.length}`, {
      a: a.length,
      b: b.length,
    });
  return meanInterval(
    Float64Array.from(a, (value, i) => value - b[i]!),
    options,
  );
};
