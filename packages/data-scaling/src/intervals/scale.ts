import { inversePositive } from '../fit/cholesky.ts';
import { expand, newExpansion, residuals } from '../fit/log-sum-model.ts';
import type { Fit } from '../fit/laws.ts';

/** What turns differences of a robust objective into those of a likelihood: of M-estimators (Huber and Ronchetti, 2009, chapter 7). */
export interface ResidualScale {
  /** Mean slope of the loss's derivative: the share of runs within delta, from a density rather than a count. */
  readonly slope: number;
  /** Mean square of the loss's derivative. */
  readonly square: number;
  /** Runs less parameters. */
  readonly degrees: number;
}

/** Share of Epanechnikov's kernel below u bandwidths. */
const kernelShare = (u: number): number => (u <= -1 ? 0 : u >= 1 ? 1 : 0.5 + 0.75 * u - 0.25 * u ** 3);

/**
 * The scale of a fit's residuals. A fit by nearly absolute values goes through as many runs as it has parameters: those say nothing of the
 * density at zero, nor of how wide to look for it, and are left out of both. Where delta is small beside the noise, hardly a run lies
 * within it, and the slope is small, not at least one run's share.
 */
export function residualScale({ model, theta, delta, law }: Pick<Fit, 'model' | 'theta' | 'delta' | 'law'>): ResidualScale {
  const all = residuals(model, theta).sort((a, b) => Math.abs(a) - Math.abs(b));
  const degrees = all.length - law.names.length;
  const square = all.reduce((sum, r) => sum + Math.min(Math.abs(r), delta) ** 2, 0) / degrees;
  if (!Number.isFinite(delta)) return { slope: 1, square, degrees };
  const kept = all.subarray(law.names.length);
  // The interquartile range of a symmetric sample, as a standard deviation of normal ones.
  const spread = Math.abs(kept[kept.length >> 1]!) / 0.6745;
  const bandwidth = Math.max(2.34 * spread * kept.length ** -0.2, 1e-12);
  const slope =
    kept.reduce((sum, r) => sum + kernelShare((delta - r) / bandwidth) - kernelShare((-delta - r) / bandwidth), 0) / kept.length;
  return { slope: Math.max(slope, Number.MIN_VALUE), square, degrees };
}

/** Standard errors of the model's parameters, from the sandwich of both scales; Infinity where the runs do not tell them. */
export function standardErrors(fit: Pick<Fit, 'model' | 'theta' | 'delta' | 'law'>, { slope, square }: ResidualScale): Float64Array {
  const n = fit.model.parameters;
  const at = newExpansion(n);
  expand(fit.model, fit.theta, Infinity, null, at);
  const inverse = inversePositive(at.gauss, n);
  return Float64Array.from({ length: n }, (_, j) => (inverse === null ? Infinity : Math.sqrt((inverse[j * n + j]! * square) / slope ** 2)));
}
