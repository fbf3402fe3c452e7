import { DataScalingError } from '../errors.ts';
import { logPrediction, type LogSumModel } from './log-sum-model.ts';
import { finished, type Parts } from '../parts.ts';
import { minimise, type MinimiseOptions, type Minimum } from './minimise.ts';
import { projectedStarts } from './variable-projection.ts';

/** Trained models: what each was given, and the loss it came to. All positive. */
export interface Runs {
  /** Parameters of each model. */
  readonly N?: Float64Array;
  /** Examples, or tokens, that each was trained on. */
  readonly D?: Float64Array;
  /** Operations of each training. */
  readonly C?: Float64Array;
  readonly loss: Float64Array;
}

export type Variable = 'N' | 'D' | 'C';

/** A family of laws: what it looks like as a {@link LogSumModel}, and how its parameters are told to a reader. */
export interface Law {
  readonly id: string;
  readonly formula: string;
  readonly variables: readonly Variable[];
  /** Names in the order of the model's parameters, as the formula has them. */
  readonly names: readonly string[];
  /** Whether the model's parameter is the logarithm of the named one. */
  readonly logarithmic: readonly boolean[];
  /** Different sizes of each variable that its parameters take. */
  readonly sizes: number;
  model(runs: Runs): LogSumModel;
  /** Starts of the search, best first. */
  starts(runs: Runs, weights: Float64Array | null, count: number): Float64Array[];
}

const logsOf = (values: Float64Array | undefined, variable: string): Float64Array => {
  if (values === undefined) throw new DataScalingError('invalid-argument', `the runs have no ${variable}`, { variable });
  return values.map(Math.log);
};
const target = ({ loss }: Runs): Float64Array => loss.map(Math.log);

/** L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, equation 2). */
export const chinchillaLaw: Law = {
  id: 'chinchilla',
  formula: 'L(N, D) = E + A / N^alpha + B / D^beta',
  variables: ['N', 'D'],
  names: ['A', 'alpha', 'B', 'beta', 'E'],
  logarithmic: [true, false, true, false, true],
  // With two, one difference would have to tell a coefficient and an exponent beside the offset.
  sizes: 3,
  model: (runs) => ({
    parameters: 5,
    terms: [
      { level: 0, exponent: 1, logs: logsOf(runs.N, 'N') },
      { level: 2, exponent: 3, logs: logsOf(runs.D, 'D') },
      { level: 4, exponent: null, logs: null },
    ],
    outer: null,
    target: target(runs),
  }),
  starts: (runs, weights, count) =>
    projectedStarts([logsOf(runs.N, 'N'), logsOf(runs.D, 'D')], target(runs), { offset: true, weights, count }).map(
      ({ levels: [a, b, e], exponents: [alpha, beta] }) => Float64Array.of(a!, alpha!, b!, beta!, e!),
    ),
};

/** L(N, D) = ((Nc / N)^(alphaN / alphaD) + Dc / D)^alphaD (Kaplan et al. 2020, equation 1.5). */
export const kaplanLaw: Law = {
  id: 'kaplan',
  formula: 'L(N, D) = ((Nc / N)^(alphaN / alphaD) + Dc / D)^alphaD',
  variables: ['N', 'D'],
  // The model's first two parameters are (alphaN / alphaD) log Nc and alphaN / alphaD: `kaplanParameters` has Kaplan's own.
  names: ['Nc^(alphaN/alphaD)', 'alphaN/alphaD', 'Dc', 'alphaD'],
  logarithmic: [true, false, true, false],
  sizes: 2,
  model: (runs) => ({
    parameters: 4,
    terms: [
      { level: 0, exponent: 1, logs: logsOf(runs.N, 'N') },
      { level: 2, exponent: null, logs: logsOf(runs.D, 'D') },
    ],
    outer: 3,
    target: target(runs),
  }),
  starts: (runs) => {
    const [n, d] = [logsOf(runs.N, 'N'), logsOf(runs.D, 'D')];
    const middle = (logs: Float64Array): number => logs.toSorted()[logs.length >> 1]!;
    const level = middle(target(runs));
    // At the middle run both terms are alike, for every pair of exponents.
    return [0.05, 0.1, 0.2, 0.4].flatMap((alphaD) =>
      [0.5, 1, 2].map((ratio) => {
        const term = level / alphaD - Math.LN2;
        return Float64Array.of(term + ratio * middle(n), ratio, term + middle(d), alphaD);
      }),
    );
  },
};

/** y = A / x^alpha: Kaplan's L(N), L(D) and L(C), with A = Nc^alpha. Residuals are those of the logarithms. */
export const powerLaw = (variable: Variable): Law => ({
  id: `power-${variable.toLowerCase()}`,
  formula: `L(${variable}) = A / ${variable}^alpha`,
  variables: [variable],
  names: ['A', 'alpha'],
  logarithmic: [true, false],
  sizes: 2,
  model: (runs) => ({
    parameters: 2,
    terms: [{ level: 0, exponent: 1, logs: logsOf(runs[variable], variable) }],
    outer: null,
    target: target(runs),
  }),
  starts: (runs, weights, count) =>
    projectedStarts([logsOf(runs[variable], variable)], target(runs), { offset: false, weights, count }).map(
      ({ levels: [a], exponents: [alpha] }) => Float64Array.of(a!, alpha!),
    ),
});

/** y = E + A / x^alpha. */
export const offsetPowerLaw = (variable: Variable): Law => ({
  id: `offset-power-${variable.toLowerCase()}`,
  formula: `L(${variable}) = E + A / ${variable}^alpha`,
  variables: [variable],
  names: ['A', 'alpha', 'E'],
  logarithmic: [true, false, true],
  sizes: 3,
  model: (runs) => ({
    parameters: 3,
    terms: [
      { level: 0, exponent: 1, logs: logsOf(runs[variable], variable) },
      { level: 2, exponent: null, logs: null },
    ],
    outer: null,
    target: target(runs),
  }),
  starts: (runs, weights, count) =>
    projectedStarts([logsOf(runs[variable], variable)], target(runs), { offset: true, weights, count }).map(
      ({ levels: [a, e], exponents: [alpha] }) => Float64Array.of(a!, alpha!, e!),
    ),
});

/** A fitted law. */
export interface Fit extends Minimum {
  readonly law: Law;
  readonly model: LogSumModel;
  readonly delta: number;
  /** By the law's names. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** Hoffmann et al.'s delta (2022, section D.2). */
export const HOFFMANN_DELTA = 1e-3;
const STARTS = 4;

/**
 * Fits a law to runs by Huber's loss of the residuals of log loss: Hoffmann's approach 3.
 * @param delta where the loss turns linear; Infinity: least squares of logarithms
 * @param weights how often each run counts; zero leaves it out
 * @throws DataScalingError too-few-runs where there are no more runs than parameters, not-identified where they do not tell them
 */
export const fitLaw = (law: Law, runs: Runs, options: FitOptions = {}): Fit => finished(fitLawInParts(law, runs, options));

export type FitOptions = Partial<Pick<MinimiseOptions, 'delta' | 'weights'>>;

/** {@link fitLaw}, from one start after the other. */
export function* fitLawInParts(law: Law, runs: Runs, { delta = HOFFMANN_DELTA, weights = null }: FitOptions = {}): Parts<Fit> {
  checkRuns(law, runs, weights);
  const model = law.model(runs);
  let best: Minimum | null = null;
  for (const start of law.starts(runs, weights, STARTS)) {
    const found = minimise(model, start, { delta, weights });
    if (best === null || found.objective < best.objective) best = found;
    yield;
  }
  return { law, model, delta, ...best!, parameters: parametersOf(law, best!.theta) };
}

/** A model's parameters by the law's names. */
export const parametersOf = (law: Law, theta: ArrayLike<number>): Record<string, number> =>
  Object.fromEntries(law.names.map((name, i) => [name, law.logarithmic[i] ? Math.exp(theta[i]!) : theta[i]!]));

/** What a law predicts for other runs than those it was fitted to. */
export function predictLosses(law: Law, theta: ArrayLike<number>, at: Omit<Runs, 'loss'>): Float64Array {
  const count = at[law.variables[0]!]!.length;
  const model = law.model({ ...at, loss: new Float64Array(count).fill(1) });
  return Float64Array.from({ length: count }, (_, i) => Math.exp(logPrediction(model, theta, i)));
}

/** Sizes that are alike to seven digits are one: computed ones have rounding errors. */
const sizeKey = (size: number): string => size.toPrecision(7);

/** How many sizes differ. */
export const differentSizes = (sizes: Iterable<number>): number => new Set(Array.from(sizes, sizeKey)).size;

/**
 * Why runs do not tell a law's parameters, however many they are; null where they do.
 * @param weights zero leaves a run out
 */
export function unidentified(law: Law, runs: Runs, weights: Float64Array | null = null): string | null {
  const kept = weights === null ? Array.from(runs.loss.keys()) : Array.from(weights.keys()).filter((i) => weights[i]! > 0);
  for (const variable of law.variables) {
    const different = differentSizes(kept.map((i) => runs[variable]![i]!));
    if (different === 1) return `all runs have the same ${variable}, so its exponent cannot be known`;
    if (different < law.sizes) return `it takes runs of ${law.sizes} different ${variable}, got ${different}`;
  }
  const [first, second] = law.variables.map((variable) => kept.map((i) => runs[variable]![i]!));
  if (second !== undefined && onOneRay(first!, second))
    return `${law.variables[1]} grows with ${law.variables[0]} in all runs as one power of it: what each of them does cannot be told apart`;
  const places = new Set(kept.map((i) => law.variables.map((variable) => sizeKey(runs[variable]![i]!)).join(' '))).size;
  if (places < law.names.length)
    return `its ${law.names.length} parameters take as many different pairs of ${law.variables.join(' and ')}, got ${places}`;
  return kept.every((i) => runs.loss[i] === runs.loss[kept[0]!]) ? 'all losses are equal: they follow no law' : null;
}

/** Correlation of logarithms from which on two variables are one. */
const ONE_RAY = 0.999;

/**
 * Whether one variable grows with the other in all runs, as D = 20 N does: powers of both are then powers of either, and their coefficients
 * and exponents may be exchanged. Where one falls as the other grows, at one compute, the signs of the exponents tell them apart.
 */
export function onOneRay(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const [x, y] = [a, b].map((values) => {
    const logs = Array.from(values, Math.log);
    const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    return logs.map((log) => log - middle);
  }) as [number[], number[]];
  const dot = (u: readonly number[], v: readonly number[]): number => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  return dot(x, y) > ONE_RAY * Math.sqrt(dot(x, x) * dot(y, y));
}

/** @throws DataScalingError invalid-runs naming the run, too-few-runs, not-identified */
function checkRuns(law: Law, runs: Runs, weights: Float64Array | null): void {
  for (const [name, values] of [['loss', runs.loss] as const, ...law.variables.map((variable) => [variable, runs[variable]] as const)]) {
    if (values === undefined || values.length !== runs.loss.length)
      throw new DataScalingError('invalid-runs', `${law.id}: expected one ${name} a run, got ${values?.length ?? 'none'}`, { name });
    const wrong = values.findIndex((value) => !(value > 0 && Number.isFinite(value)));
    if (wrong >= 0)
      throw new DataScalingError('invalid-runs', `${law.id}: ${name} of run ${wrong} is ${values[wrong]}: expected a positive number`, {
        name,
        run: wrong,
      });
  }
  const needed = law.names.length + 1;
  const count = weights === null ? runs.loss.length : weights.filter((weight) => weight > 0).length;
  if (count < needed)
    throw new DataScalingError('too-few-runs', `${law.formula} has ${law.names.length} parameters: it takes ${needed} runs, got ${count}`, {
      needed,
      runs: count,
    });
  const why = unidentified(law, runs, weights);
  if (why !== null) throw new DataScalingError('not-identified', `${law.formula}: ${why}`, { law: law.id });
}

/** Kaplan's parameters of a fit of {@link kaplanLaw}. */
export function kaplanParameters({ theta }: Pick<Fit, 'theta'>): { Nc: number; Dc: number; alphaN: number; alphaD: number } {
  const [level, ratio, dc, alphaD] = theta as unknown as [number, number, number, number];
  return { Nc: Math.exp(level / ratio), Dc: Math.exp(dc), alphaN: ratio * alphaD, alphaD };
}
