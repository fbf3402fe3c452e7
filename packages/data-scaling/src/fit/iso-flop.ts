import { DataScalingError } from '../errors.ts';
import { solvePositive } from './cholesky.ts';
import { chinchillaLaw, differentSizes, predictLosses, type Fit, type Runs } from './laws.ts';
import { logLogFit, type LogLogFit } from './least-squares.ts';

/** Operations of a training by parameter and token: two forward, four backward. */
export const FLOPS_PER_PARAMETER = 6;

/** The parabola of one compute budget: loss over log N, Hoffmann's approach 2. */
export interface IsoFlopParabola {
  /** The budget: the geometric mean of its runs' operations. */
  readonly C: number;
  /** Parameters, examples and loss at the vertex. */
  readonly N: number;
  readonly D: number;
  readonly loss: number;
  /** Indices of its runs. */
  readonly runs: readonly number[];
  /** Whether the vertex lies between the smallest and the largest model of the budget. */
  readonly inside: boolean;
  /** Loss = c0 + c1 z + c2 z^2 with z = log(N / centre). */
  readonly coefficients: readonly [number, number, number];
  readonly centre: number;
}

/** N_opt = k C^exponent, and so on, over the vertices that lie among the models of their budget: others are extrapolated. */
export interface IsoFlopFit {
  readonly parabolas: readonly IsoFlopParabola[];
  /** Budgets without a minimum, or with too few models, and why. */
  readonly left: readonly { readonly C: number; readonly why: string }[];
  readonly N: PowerOfCompute;
  readonly D: PowerOfCompute;
  readonly loss: PowerOfCompute;
}

export interface PowerOfCompute {
  readonly coefficient: number;
  readonly exponent: number;
  /** Of the exponent; null with fewer than three budgets. */
  readonly stderr: number | null;
}

const MIN_RUNS = 4;

/** Indices of the runs of each budget: its operations are at most `tolerance` above those of its smallest run. */
export function budgetsOf(C: Float64Array, tolerance = 0.1): number[][] {
  const order = Array.from(C.keys()).sort((a, b) => C[a]! - C[b]!);
  const groups: number[][] = [];
  order.forEach((run, i) => {
    if (i === 0 || C[run]! > C[groups.at(-1)![0]!]! * (1 + tolerance)) groups.push([]);
    groups.at(-1)!.push(run);
  });
  return groups;
}

/**
 * Parabolas of loss over log N by budget, and the powers of compute through their vertices.
 * @throws DataScalingError too-few-runs with fewer than two budgets that have a minimum among their models
 */
export function isoFlopFit(runs: Required<Runs>, tolerance = 0.1): IsoFlopFit {
  const parabolas: IsoFlopParabola[] = [];
  const left: { C: number; why: string }[] = [];
  const budgets = budgetsOf(runs.C, tolerance);
  for (const group of budgets) {
    const C = Math.exp(group.reduce((sum, i) => sum + Math.log(runs.C[i]!), 0) / group.length);
    const distinct = differentSizes(group.map((i) => runs.N[i]!));
    if (distinct < MIN_RUNS) left.push({ C, why: `${distinct} models, a parabola takes ${MIN_RUNS}` });
    else {
      const parabola = parabolaOf(runs, group, C);
      if (parabola === null) left.push({ C, why: 'its loss has no minimum over N' });
      else parabolas.push(parabola);
    }
  }
  const used = parabolas.filter(({ inside }) => inside);
  if (used.length < 2)
    throw new DataScalingError(
      'too-few-runs',
      `isoFLOP fits take two budgets of ${MIN_RUNS} models or more with the minimum of their parabola among them, got ${used.length} of ${budgets.length}`,
      { budgets: budgets.length, used: used.length },
    );
  const C = used.map((one) => one.C);
  const power = (of: 'N' | 'D' | 'loss'): PowerOfCompute =>
    powerOfCompute(
      C,
      used.map((one) => one[of]),
    );
  return { parabolas, left, N: power('N'), D: power('D'), loss: power('loss') };
}

function parabolaOf({ N, D, loss }: Required<Runs>, group: readonly number[], C: number): IsoFlopParabola | null {
  const centre = Math.exp(group.reduce((sum, i) => sum + Math.log(N[i]!), 0) / group.length);
  const normal = new Float64Array(9);
  const c = new Float64Array(3);
  for (const i of group) {
    const z = Math.log(N[i]! / centre);
    const row = [1, z, z * z];
    for (let a = 0; a < 3; a++) {
      c[a]! += row[a]! * loss[i]!;
      for (let b = 0; b < 3; b++) normal[3 * a + b]! += row[a]! * row[b]!;
    }
  }
  if (!solvePositive(normal, c) || !(c[2]! > 0)) return null;
  const z = -c[1]! / (2 * c[2]!);
  const best = centre * Math.exp(z);
  // Operations by parameter and example as these runs have them, whatever is counted.
  const perPair = Math.exp(group.reduce((sum, i) => sum + Math.log(C / (N[i]! * D[i]!)), 0) / group.length);
  const sizes = group.map((i) => N[i]!);
  return {
    C,
    N: best,
    D: C / (perPair * best),
    loss: c[0]! - c[1]! ** 2 / (4 * c[2]!),
    runs: group,
    inside: Math.min(...sizes) <= best && best <= Math.max(...sizes),
    coefficients: [c[0]!, c[1]!, c[2]!],
    centre,
  };
}

/** The power y = k C^exponent by least squares of logarithms: the compute frontier of the scaling laws of diffusion transformers. */
export function powerOfCompute(C: readonly number[], y: readonly number[]): PowerOfCompute {
  if (C.length === 2) {
    const exponent = Math.log(y[1]! / y[0]!) / Math.log(C[1]! / C[0]!);
    return { coefficient: y[0]! / C[0]! ** exponent, exponent, stderr: null };
  }
  const { A, alpha, stderrAlpha }: LogLogFit = logLogFit(C, y);
  return { coefficient: A, exponent: -alpha, stderr: stderrAlpha };
}

export interface LawParameters {
  readonly E: number;
  readonly A: number;
  readonly alpha: number;
  readonly B: number;
  readonly beta: number;
}

/**
 * The parameters of a fit of the law of N and D with an offset, `chinchillaLaw`.
 * @throws DataScalingError invalid-argument naming the first of them that the fit's law does not have
 */
export function lawParameters({ law, parameters }: Pick<Fit, 'law' | 'parameters'>): LawParameters {
  const named = (name: keyof LawParameters): number => {
    const value = parameters[name];
    if (value !== undefined) return value;
    throw new DataScalingError('invalid-argument', `a fit of ${law.formula} has no ${name}; take one of ${chinchillaLaw.formula}`, {
      law: law.id,
      parameter: name,
    });
  };
  return { E: named('E'), A: named('A'), alpha: named('alpha'), B: named('B'), beta: named('beta') };
}

/** The model that a law says is best for a budget C = 6 N D, in closed form (Hoffmann et al. 2022, equation 4). */
export function computeOptimal({ E, A, alpha, B, beta }: LawParameters, C: number): { N: number; D: number; loss: number } {
  const pairs = C / FLOPS_PER_PARAMETER;
  const N = ((alpha * A) / (beta * B)) ** (1 / (alpha + beta)) * pairs ** (beta / (alpha + beta));
  const D = pairs / N;
  return { N, D, loss: E + A / N ** alpha + B / D ** beta };
}

/** What isoFLOP parabolas make of losses that are the law's own, without noise. */
export interface IsoFlopBias {
  /** Of N_opt in C: beta / (alpha + beta), and what the parabolas give. */
  readonly exponent: { readonly exact: number; readonly fitted: number };
  /** By budget: N at the vertex over the best N. */
  readonly vertices: readonly { readonly C: number; readonly ratio: number }[];
}

/**
 * The bias of isoFLOP parabolas (arXiv 2603.22339): loss is no parabola in log N unless alpha is beta, so the vertex misses the minimum by
 * a factor that grows with the width of the grid; and where the grid is not centred alike in every budget, the exponent is wrong as well.
 * @param law with both exponents above zero: others have no best model
 * @param budgets in operations, 6 N D
 * @param width models from the centre over this factor to the centre times it
 * @param points models a budget
 * @param offCentre factor of the grid's centre over the best model, by budget; default: centred
 * @throws DataScalingError too-few-runs where the law's losses have no two minima among the models
 */
export function isoFlopBias(
  law: LawParameters,
  {
    budgets,
    width,
    points,
    offCentre = () => 1,
  }: { budgets: readonly number[]; width: number; points: number; offCentre?: (budget: number) => number },
): IsoFlopBias {
  const C = Float64Array.from(budgets.flatMap((budget) => new Array<number>(points).fill(budget)));
  const N = Float64Array.from(
    budgets.flatMap((budget, b) =>
      Array.from({ length: points }, (_, i) => computeOptimal(law, budget).N * offCentre(b) * width ** ((2 * i) / (points - 1) - 1)),
    ),
  );
  const D = C.map((budget, i) => budget / (FLOPS_PER_PARAMETER * N[i]!));
  const theta = [Math.log(law.A), law.alpha, Math.log(law.B), law.beta, Math.log(law.E)];
  // Runs of a budget have the very same operations, and budgets may be close.
  const fit = isoFlopFit({ C, N, D, loss: predictLosses(chinchillaLaw, theta, { N, D }) }, 0);
  return {
    exponent: { exact: law.beta / (law.alpha + law.beta), fitted: fit.N.exponent },
    vertices: fit.parabolas.map((one) => ({ C: one.C, ratio: one.N / computeOptimal(law, one.C).N })),
  };
}
