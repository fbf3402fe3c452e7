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
 * sqrt(n / (n - p)), as a fit with p parameters makes them too small. How far the new runs then lie from what the resample foretells is
 * counted in scatters that the resample itself shows: of few runs nobody knows how much they scatter. The old places stay: no resample
 * lacks a size. The law is taken for true: where runs follow another, the interval is too narrow, and a rollout (rollout.ts) shows it.
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
  const degrees = model.target.length - law.names.length;
  const scatterOf = (off: readonly number[]): number => Math.sqrt(off.reduce((sum, r) => sum + r * r, 0) / degrees);
  // Of what was measured over what the law says.
  const off = Array.from(residuals(model, fit.theta), (r) => -r);
  const count = off.length;
  const centre = off.reduce((sum, r) => sum + r, 0) / count;
  const inflated = off.map((r) => (r - centre) * Math.sqrt(count / degrees));
  const fitted = predictLosses(law, fit.theta, runs);
  const beyond = Float64Array.from({ length: resamples }, (_, b) => {
    const drawn = Array.from(
      randomBits(seed, `prediction ${law.id}`, b, count + replicates),
      (word) => inflated[Math.floor(word * 2 ** -32 * count)]!,
    );
    const again = law.model({ ...runs, loss: fitted.map((one, i) => one * Math.exp(drawn[i]!)) });
    const { theta } = minimise(again, fit.theta, { delta });
    const came = Math.log(value) + drawn.slice(count).reduce((sum, r) => sum + r, 0) / replicates;
    const scatter = scatterOf(Array.from(residuals(again, theta)));
    return scatter === 0 ? 0 : (came - Math.log(predictLosses(law, theta, place)[0]!)) / scatter;
  });
  const [low, high] = percentileInterval(beyond, level).map((scatters) => value * Math.exp(scatters * scatterOf(off)));
  return { value, interval: [low!, high!] };
}
