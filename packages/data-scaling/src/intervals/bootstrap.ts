import { randomBits } from '@controllab/data';
import { parametersOf, unidentified, type Fit, type Runs } from '../fit/laws.ts';
import { minimise } from '../fit/minimise.ts';
import { finished, type Parts } from '../parts.ts';
import type { Interval } from './profile.ts';

export interface BootstrapOptions {
  readonly resamples?: number;
  readonly seed?: number;
}

/** Refits to resamples of the runs. */
export interface Bootstrap {
  /** By the law's names, in the order of the resamples, without those that do not identify the law. */
  readonly samples: Readonly<Record<string, Float64Array>>;
  readonly resamples: number;
  /** Resamples that do not identify the law: they lack sizes. */
  readonly unidentified: number;
}

/**
 * Refits a law to runs drawn anew, with replacement. Each refit starts from the whole sample's minimum and, where that is not the lower
 * one, from the best projected start of its own.
 */
export const bootstrap = (fit: Fit, runs: Runs, options: BootstrapOptions = {}): Bootstrap =>
  finished(bootstrapInParts(fit, runs, options));

/** {@link bootstrap}, one resample after the other. */
export function* bootstrapInParts(fit: Fit, runs: Runs, { resamples = 1000, seed = 1 }: BootstrapOptions = {}): Parts<Bootstrap> {
  const { law, model, delta } = fit;
  const count = runs.loss.length;
  const fitted: Record<string, number>[] = [];
  const weights = new Float64Array(count);
  for (let b = 0; b < resamples; b++) {
    const bits = randomBits(seed, `bootstrap ${law.id}`, b, count);
    weights.fill(0);
    for (const word of bits) weights[Math.floor(word * 2 ** -32 * count)]!++;
    if (unidentified(law, runs, weights) === null) {
      let best = minimise(model, fit.theta, { delta, weights });
      for (const start of law.starts(runs, weights, 1).slice(0, 1)) {
        const other = minimise(model, start, { delta, weights });
        if (other.objective < best.objective) best = other;
      }
      fitted.push(parametersOf(law, best.theta));
    }
    yield;
  }
  const samples = Object.fromEntries(law.names.map((name) => [name, Float64Array.from(fitted, (one) => one[name]!)]));
  return { samples, resamples, unidentified: resamples - fitted.length };
}

/** The middle `level` of samples: a percentile interval. */
export function percentileInterval(samples: Float64Array, level = 0.95): Interval {
  const sorted = samples.toSorted();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
    return a === b ? a : a + (b - a) * (place - below);
  };
  return [at((1 - level) / 2), at((1 + level) / 2)];
}
