/** One power of a law: exp(level - exponent * log x). */
export interface PowerTerm {
  /** Index of the logarithm of its coefficient among the parameters. */
  readonly level: number;
  /** Index of its exponent; null: a constant, or a variable whose exponent is one. */
  readonly exponent: number | null;
  /** Natural logarithms of the variable, one a run; null: a constant. */
  readonly logs: Float64Array | null;
}

/**
 * A law whose logarithm is `outer * log(sum of powers)`: Hoffmann's and Kaplan's laws, and a power with an offset. It is convex in the
 * levels and smooth in all parameters, so Newton's method with exact second derivatives is at hand.
 */
export interface LogSumModel {
  readonly parameters: number;
  readonly terms: readonly PowerTerm[];
  /** Index of the power that the sum is raised to; null: one. */
  readonly outer: number | null;
  /** Natural logarithms of what was measured. */
  readonly target: Float64Array;
}

/** Value, gradient and curvature of an objective at one place; the arrays are used again by the next call. */
export interface Expansion {
  value: number;
  readonly gradient: Float64Array;
  /** Second derivatives, [parameters, parameters]. */
  readonly hessian: Float64Array;
  /** Sum of weighted outer products of the model's gradients: positive, and as large as the hessian without its kinks. */
  readonly gauss: Float64Array;
}

export const newExpansion = (parameters: number): Expansion => ({
  value: Infinity,
  gradient: new Float64Array(parameters),
  hessian: new Float64Array(parameters * parameters),
  gauss: new Float64Array(parameters * parameters),
});

/** Huber's loss: half the square up to `delta`, linear beyond. `Infinity` gives least squares. */
export const huber = (residual: number, delta: number): number => {
  const size = Math.abs(residual);
  return size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
};

/** log of the model at run `i`. */
export function logPrediction({ terms, outer }: LogSumModel, theta: ArrayLike<number>, i: number): number {
  let top = -Infinity;
  for (const { level, exponent, logs } of terms)
    top = Math.max(top, theta[level]! - (logs === null ? 0 : (exponent === null ? 1 : theta[exponent]!) * logs[i]!));
  let sum = 0;
  for (const { level, exponent, logs } of terms)
    sum += Math.exp(theta[level]! - (logs === null ? 0 : (exponent === null ? 1 : theta[exponent]!) * logs[i]!) - top);
  return (outer === null ? 1 : theta[outer]!) * (top + Math.log(sum));
}

/** log of the model less log of what was measured, one a run. */
export const residuals = (model: LogSumModel, theta: ArrayLike<number>): Float64Array =>
  Float64Array.from(model.target, (target, i) => logPrediction(model, theta, i) - target);

/** Sum over runs of Huber's loss of the residuals. */
export function objective(model: LogSumModel, theta: ArrayLike<number>, delta: number, weights: Float64Array | null = null): number {
  let total = 0;
  for (let i = 0; i < model.target.length; i++)
    if (weights === null || weights[i] !== 0)
      total += (weights?.[i] ?? 1) * huber(logPrediction(model, theta, i) - model.target[i]!, delta);
  return total;
}

/**
 * Writes value, gradient and second derivatives of the objective into `out`.
 * @param weights how often each run counts; null: once
 */
export function expand(model: LogSumModel, theta: ArrayLike<number>, delta: number, weights: Float64Array | null, out: Expansion): void {
  const { parameters: n, terms, outer, target } = model;
  const { gradient, hessian, gauss } = out;
  gradient.fill(0);
  hessian.fill(0);
  gauss.fill(0);
  out.value = 0;
  const k = terms.length;
  const shares = new Float64Array(k);
  const first = new Float64Array(n);
  const power = outer === null ? 1 : theta[outer]!;
  for (let i = 0; i < target.length; i++) {
    const weight = weights === null ? 1 : weights[i]!;
    if (weight === 0) continue;
    let top = -Infinity;
    for (let t = 0; t < k; t++) {
      const { level, exponent, logs } = terms[t]!;
      shares[t] = theta[level]! - (logs === null ? 0 : (exponent === null ? 1 : theta[exponent]!) * logs[i]!);
      if (shares[t]! > top) top = shares[t]!;
    }
    let sum = 0;
    for (let t = 0; t < k; t++) sum += shares[t] = Math.exp(shares[t]! - top);
    const inner = top + Math.log(sum);
    const residual = power * inner - target[i]!;
    const size = Math.abs(residual);
    const inside = size <= delta;
    const slope = weight * (inside ? residual : residual < 0 ? -delta : delta);
    out.value += weight * (inside ? 0.5 * size * size : delta * (size - 0.5 * delta));
    const curvature = inside ? weight : 0;
    const pull = inside ? weight : (weight * delta) / size;

    first.fill(0);
    for (let t = 0; t < k; t++) {
      const { level, exponent, logs } = terms[t]!;
      const share = (shares[t]! /= sum);
      first[level]! += share;
      if (exponent !== null) first[exponent]! -= share * logs![i]!;
    }
    // The sum's own second derivatives: each term's outer product less that of the mean.
    const bend = slope * power;
    for (let t = 0; t < k; t++) {
      const { level, exponent, logs } = terms[t]!;
      const part = bend * shares[t]!;
      hessian[level * n + level]! += part;
      if (exponent === null) continue;
      const log = logs![i]!;
      hessian[level * n + exponent]! -= part * log;
      hessian[exponent * n + level]! -= part * log;
      hessian[exponent * n + exponent]! += part * log * log;
    }
    for (let a = 0; a < n; a++) for (let b = 0; b < n; b++) hessian[a * n + b]! -= bend * first[a]! * first[b]!;
    if (outer !== null)
      for (let a = 0; a < n; a++) {
        hessian[a * n + outer]! += slope * first[a]!;
        hessian[outer * n + a]! += slope * first[a]!;
        first[a]! *= power;
      }
    if (outer !== null) first[outer] = inner;
    for (let a = 0; a < n; a++) {
      gradient[a]! += slope * first[a]!;
      for (let b = 0; b < n; b++) {
        const product = first[a]! * first[b]!;
        hessian[a * n + b]! += curvature * product;
        gauss[a * n + b]! += pull * product;
      }
    }
  }
}
