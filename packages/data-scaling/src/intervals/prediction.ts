import { randomBits } from '@controllab/data';
import { residuals } from '../fit/log-sum-model.ts';
import { predictLosses, type Fit, type Runs } from '../fit/laws.ts';
import { minimise } from '../fit/minimise.ts';
import { percentileInterval } from './bootstrap.ts';
import type { Interval } from './profile.ts';

/** What a law foretells for runs that are not made yet. */
export interface Prediction {
  readonly value: number;
  /** Where the mean of those runs is expected to lie. */
  readonly interval: Interval;
}

export interface PredictionOptions {
  /** Share of predictions that come true. */
  readonly level?: number;
  /** Runs whose geometric mean is foretold. */
  readonly replicates?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

/**
 * Foretells the loss of new runs at one place, with an interval by resampled residuals (Davison and Hinkley 1997, section 7.2.4): each
 * resample gives the old runs new scatter, fits the law to them, and adds the new runs' own. Residuals are those of log loss, inflated by
 * sqrt(n / (n - p)), as a fit with p parameters makes them too small. The old places stay: no resample lacks a size.
 */
export function predictRuns(
  fit: Fit,
  runs: Runs,
  at: Readonly<Partial<Record<'N' | 'D' | 'C', number>>>,
  { level = 0.9, replicates = 1, resamples = 1000, seed = 1 }: PredictionOptions = {},
): Prediction {
  const { law, model, delta } = fit;
  const place = Object.fromEntries(Object.entries(at).map(([name, value]) => [name, Float64Array.of(value)]));
  const [value] = predictLosses(law, fit.theta, place) as unknown as [number];
  // Of what was measured over what the law says.
  const off = residuals(model, fit.theta).map((r) => -r);
  const count = off.length;
  const centre = off.reduce((sum, r) => sum + r, 0) / count;
  const inflated = off.map((r) => (r - centre) * Math.sqrt(count / (count - law.names.length)));
  const fitted = predictLosses(law, fit.theta, runs);
  const foretold = Float64Array.from({ length: resamples }, (_, b) => {
    const drawn = Array.from(
      randomBits(seed, `prediction ${law.id}`, b, count + replicates),
      (word) => inflated[Math.floor(word * 2 ** -32 * count)]!,
    );
    const loss = fitted.map((one, i) => one * Math.exp(drawn[i]!));
    const { theta } = minimise(law.model({ ...runs, loss }), fit.theta, { delta });
    const own = drawn.slice(count).reduce((sum, r) => sum + r, 0) / replicates;
    return predictLosses(law, theta, place)[0]! * Math.exp(own);
  });
  return { value, interval: percentileInterval(foretold, level) };
}
