import { solvePositive } from './cholesky.ts';
import { expand, newExpansion, objective, type LogSumModel } from './log-sum-model.ts';

export interface MinimiseOptions {
  /** Where Huber's loss turns linear; Infinity: least squares. */
  readonly delta: number;
  readonly weights?: Float64Array | null;
  /** Index of a parameter that stays where it is. */
  readonly fixed?: number | null;
  readonly iterations?: number;
}

export interface Minimum {
  readonly theta: Float64Array;
  readonly objective: number;
  /** Whether no step made it smaller. */
  readonly converged: boolean;
}

/** A decrease below this share of the objective is none: four digits behind those of the reference fits. */
const TOLERANCE = 1e-12;
const MAX_DAMPING = 1e12;

/**
 * Newton's method with Levenberg's damping from one start. Huber's loss with a small delta is nearly a sum of absolute values: the second
 * derivatives that the few runs within delta leave are often not positive, and the damping goes by the curvature that all runs would have.
 */
function descend(model: LogSumModel, start: ArrayLike<number>, options: MinimiseOptions): Minimum {
  const { delta, weights = null, fixed = null, iterations = 200 } = options;
  const n = model.parameters;
  const theta = Float64Array.from(start);
  const here = newExpansion(n);
  const [matrix, step, next] = [new Float64Array(n * n), new Float64Array(n), new Float64Array(n)];
  let damping = 1e-3;
  let small = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    expand(model, theta, delta, weights, here);
    const before = here.value;
    let found = false;
    for (; damping < MAX_DAMPING; damping *= 4) {
      matrix.set(here.hessian);
      for (let j = 0; j < n; j++) {
        matrix[j * n + j]! += damping * here.gauss[j * n + j]! + 1e-300;
        step[j] = -here.gradient[j]!;
      }
      if (fixed !== null) hold(matrix, step, fixed);
      if (!solvePositive(matrix, step)) continue;
      for (let j = 0; j < n; j++) next[j] = theta[j]! + step[j]!;
      const value = objective(model, next, delta, weights);
      if (!(value < before)) continue;
      theta.set(next);
      here.value = value;
      found = true;
      damping = Math.max(damping / 8, 1e-15);
      break;
    }
    if (!found) return { theta, objective: before, converged: true };
    // One short step may be the damping's: three in a row are the end.
    small = before - here.value <= TOLERANCE * before ? small + 1 : 0;
    if (small === 3) return { theta, objective: here.value, converged: true };
  }
  return { theta, objective: here.value, converged: false };
}

function hold(matrix: Float64Array, step: Float64Array, fixed: number): void {
  const n = step.length;
  for (let j = 0; j < n; j++) matrix[fixed * n + j] = matrix[j * n + fixed] = 0;
  matrix[fixed * n + fixed] = 1;
  step[fixed] = 0;
}

/** Factors of delta, from nearly least squares down to the loss that is asked for. */
const CONTINUATION = [64, 16, 4, 1];

/**
 * Minimises the objective from one start, through losses that come nearer and nearer to the one that is asked for: each is smooth where
 * the next one has kinks, and starts it close to its minimum.
 */
export function minimise(model: LogSumModel, start: ArrayLike<number>, options: MinimiseOptions): Minimum {
  if (!Number.isFinite(options.delta)) return descend(model, start, options);
  let best: Minimum | null = null;
  for (const factor of CONTINUATION)
    best = descend(model, best?.theta ?? start, { ...options, delta: options.delta * factor, iterations: factor === 1 ? 400 : 30 });
  return best!;
}
