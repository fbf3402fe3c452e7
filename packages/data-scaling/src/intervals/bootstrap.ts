import { randomBits } from '@controllab/data';
import { fitLaw, parametersOf, type Fit, type Runs } from '../fit/laws.ts';
import { minimise } from '../fit/minimise.ts';
import type { Interval } from './profile.ts';

export interface BootstrapOptions {
  readonly resamples?: number;
  readonly seed?: number;
  /** Called after each resample. */
  readonly onResample?: (done: number) => void;
}

/** Refits to resamples of the runs. */
export interface Bootstrap {
  /** By the law's names, in the order of the resamples. */
  readonly samples: Readonly<Record<string, Float64Array>>;
  readonly resamples: number;
}

/**
 * Refits a law to runs drawn anew, with replacement. Each refit starts from the whole sample's minimum and, where that is not the lower
 * one, from the best projected start of its own.
 */
export function bootstrap(fit: Fit, runs: Runs, { resamples = 1000, seed = 1, onResample }: BootstrapOptions = {}): Bootstrap {
  const { law, model, delta } = fit;
  const count = runs.loss.length;
  const samples = Object.fromEntries(law.names.map((name) => [name, new Float64Array(resamples)]));
  const weights = new Float64Array(count);
  for (let b = 0; b < resamples; b++) {
    const bits = randomBits(seed, `bootstrap ${law.id}`, b, count);
    weights.fill(0);
    for (const word of bits) weights[Math.floor(word * 2 ** -32 * count)]!++;
    let best = minimise(model, fit.theta, { delta, weights });
    for (const start of law.starts(runs, weights, 1).slice(0, 1)) {
      const other = minimise(model, start, { delta, weights });
      if (other.objective < best.objective) best = other;
    }
    for (const [name, value] of Object.entries(parametersOf(law, best.theta))) samples[name]![b] = value;
    onResample?.(b + 1);
  }
  return { samples, resamples };
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

/** Fits once more without some runs: what rollout and holdout predict from. */
export const fitWithout = (fit: Fit, runs: Runs, keep: (i: number) => boolean): Fit =>
  fitLaw(fit.law, runs, { delta: fit.delta, weights: Float64Array.from(runs.loss, (_, i) => (keep(i) ? 1 : 0)) });
