import { DataScalingError } from '../errors.ts';
import { inversePositive, solvePositive } from './cholesky.ts';

/** y = A / x^alpha by ordinary least squares of logarithms. */
export interface LogLogFit {
  readonly A: number;
  readonly alpha: number;
  /** Standard errors, from the residuals' variance with n - 2 degrees of freedom. */
  readonly stderrLogA: number;
  readonly stderrAlpha: number;
  /** Share of the variance of log y that is explained. */
  readonly r2: number;
}

/** @throws DataScalingError invalid-runs, too-few-runs */
export function logLogFit(x: ArrayLike<number>, y: ArrayLike<number>): LogLogFit {
  const n = checked(x, y, 3);
  const [u, v] = [Float64Array.from(x, Math.log), Float64Array.from(y, positiveLog)];
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / n;
  const [um, vm] = [mean(u), mean(v)];
  let [uu, uv, vv] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [du, dv] = [u[i]! - um, v[i]! - vm];
    uu += du * du;
    uv += du * dv;
    vv += dv * dv;
  }
  const slope = uv / uu;
  const intercept = vm - slope * um;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (v[i]! - intercept - slope * u[i]!) ** 2;
  const variance = squares / (n - 2);
  return {
    A: Math.exp(intercept),
    alpha: -slope,
    stderrLogA: Math.sqrt(variance * (1 / n + (um * um) / uu)),
    stderrAlpha: Math.sqrt(variance / uu),
    r2: vv === 0 ? 1 : 1 - squares / vv,
  };
}

/** y = E + A / x^alpha by least squares of y itself. */
export interface OffsetFit {
  readonly E: number;
  readonly A: number;
  readonly alpha: number;
  /** Of E, A and alpha, from the residuals' variance with n - 3 degrees of freedom. */
  readonly stderr: readonly [E: number, A: number, alpha: number];
  /** Sum of squared residuals. */
  readonly sse: number;
}

/** Exponents that are tried first. */
const TRIED = Array.from({ length: 121 }, (_, i) => -3 + i * 0.05).filter((alpha) => Math.abs(alpha) > 1e-9);

/**
 * By variable projection: for a given alpha E and A are linear, so one number is searched, and no start is needed. E and A may have either
 * sign, as in `curve_fit`.
 * @throws DataScalingError invalid-runs, too-few-runs; not-identified where the best alpha is without bound
 */
export function offsetFit(x: ArrayLike<number>, y: ArrayLike<number>): OffsetFit {
  const n = checked(x, y, 4);
  const logs = Float64Array.from(x, Math.log);
  const values = Float64Array.from(y);
  const middle = logs.reduce((sum, log) => sum + log, 0) / n;
  const at = (alpha: number) => linearPart(logs, values, middle, alpha);
  let best = 0;
  TRIED.forEach((alpha, i) => {
    if (at(alpha).squares < at(TRIED[best]!).squares) best = i;
  });
  if (best === 0 || best === TRIED.length - 1)
    throw new DataScalingError(
      'not-identified',
      `y = E + A / x^alpha: alpha leaves [${TRIED[0]}, ${TRIED.at(-1)}]: the values are no such power`,
      {
        alpha: TRIED[best],
      },
    );
  let [low, high] = [TRIED[best - 1]!, TRIED[best + 1]!];
  const golden = (Math.sqrt(5) - 1) / 2;
  while (high - low > 1e-6) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)];
    if (at(a).squares < at(b).squares) high = b;
    else low = a;
  }
  return polished(logs, values, middle, (low + high) / 2);
}

/** E and the coefficient of x^-alpha, with x in units of its geometric mean, and what they leave. */
function linearPart(logs: Float64Array, y: Float64Array, middle: number, alpha: number): { E: number; a: number; squares: number } {
  const n = logs.length;
  const p = logs.map((log) => Math.exp(-alpha * (log - middle)));
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / n;
  const [pm, ym] = [mean(p), mean(y)];
  let [pp, py] = [0, 0];
  for (let i = 0; i < n; i++) {
    pp += (p[i]! - pm) ** 2;
    py += (p[i]! - pm) * (y[i]! - ym);
  }
  const a = py / pp;
  const E = ym - a * pm;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (y[i]! - E - a * p[i]!) ** 2;
  return { E, a, squares };
}

/** Gauss-Newton from where the search for alpha ended: the search knows it to half of the digits. */
function polished(logs: Float64Array, y: Float64Array, middle: number, start: number): OffsetFit {
  const n = logs.length;
  let theta = [linearPart(logs, y, middle, start).E, linearPart(logs, y, middle, start).a, start] as [number, number, number];
  const normal = new Float64Array(9);
  const evaluate = ([E, a, alpha]: readonly [number, number, number]): { sse: number; step: Float64Array } => {
    normal.fill(0);
    const step = new Float64Array(3);
    let sse = 0;
    for (let i = 0; i < n; i++) {
      const log = logs[i]! - middle;
      const power = Math.exp(-alpha * log);
      const residual = y[i]! - E - a * power;
      const row = [1, power, -a * log * power];
      sse += residual * residual;
      for (let j = 0; j < 3; j++) {
        step[j]! += row[j]! * residual;
        for (let k = 0; k < 3; k++) normal[3 * j + k]! += row[j]! * row[k]!;
      }
    }
    return { sse, step };
  };
  for (let i = 0; i < 20; i++) {
    const { step } = evaluate(theta);
    if (!solvePositive(normal.slice(), step)) break;
    theta = [theta[0] + step[0]!, theta[1] + step[1]!, theta[2] + step[2]!];
    if (Math.abs(step[2]!) < 1e-15 * Math.abs(theta[2])) break;
  }
  const { sse } = evaluate(theta);
  const [E, a, alpha] = theta;
  const A = a * Math.exp(alpha * middle);
  const covariance = inversePositive(normal, 3);
  const variance = sse / (n - 3);
  // A = a exp(alpha middle): its error comes from both.
  const at = (j: number, k: number): number => (covariance === null ? Infinity : covariance[3 * j + k]! * variance);
  const ofA = (A / a) ** 2 * at(1, 1) + 2 * (A / a) * A * middle * at(1, 2) + (A * middle) ** 2 * at(2, 2);
  return { E, A, alpha, stderr: [Math.sqrt(at(0, 0)), Math.sqrt(ofA), Math.sqrt(at(2, 2))], sse };
}

const positiveLog = (value: number, i: number): number => {
  if (!(value > 0)) throw new DataScalingError('invalid-runs', `y of run ${i} is ${value}: its logarithm is needed`, { run: i, value });
  return Math.log(value);
};

function checked(x: ArrayLike<number>, y: ArrayLike<number>, needed: number): number {
  if (x.length !== y.length) throw new DataScalingError('invalid-runs', `expected one y a run, got ${y.length} for ${x.length}`, {});
  if (x.length < needed)
    throw new DataScalingError('too-few-runs', `this fit takes ${needed} runs, got ${x.length}`, { needed, runs: x.length });
  for (let i = 0; i < x.length; i++)
    if (!(x[i]! > 0) || !Number.isFinite(x[i]!) || !Number.isFinite(y[i]!))
      throw new DataScalingError('invalid-runs', `run ${i} is (${x[i]}, ${y[i]}): expected a positive x and a finite y`, { run: i });
  if (new Set(Array.from(x)).size < needed - 1)
    throw new DataScalingError('not-identified', `only ${new Set(Array.from(x)).size} sizes differ: the exponent cannot be known`, {});
  return x.length;
}
