import { DiffusionError } from '../errors.ts';
import { refuseContinuous } from '../levels/interpolated-levels.ts';
import { checkOrder, levelOf, multistepLevels, phi, type Level, type MultistepConfig } from '../levels/multistep-levels.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, stepResult, weightedSum, type Scheduler, type StepInput } from '../sampling/scheduler.ts';

export interface UnipcConfig extends MultistepConfig {
  /** Whether x0 is integrated, or the noise. */
  predictX0?: boolean;
  /** Steps after which the corrector is left out; in the first of a run with large guidance it can do harm. */
  disableCorrector?: readonly number[];
}

const MAX_ORDER = 4;

/** The solution of a small linear system, by elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows.reduce((best, row, j) => (j > i && Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? j : best), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    for (let j = i + 1; j < rows.length; j++) {
      const factor = rows[j]![i]! / rows[i]![i]!;
      rows[j] = rows[j]!.map((value, c) => value - factor * rows[i]![c]!);
    }
  }
  const solution: number[] = [];
  for (let i = rows.length - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, j) => sum + value * rows[i]![i + 1 + j]!, 0);
    solution.unshift((rows[i]!.at(-1)! - known) / rows[i]![i]!);
  }
  return solution;
}

/** A step from one level to the next in terms of the values (x0 or noise) at both and at levels before. */
interface Step {
  /** Factors of x and of the value where the step begins. */
  readonly decay: number;
  readonly gain: number;
  /** Factors of the differences to the values before, newest first, and to the one at the step's end. */
  readonly before: readonly number[];
  readonly ahead: number;
}

type Variant = Required<Pick<UnipcConfig, 'predictX0'>> & { readonly b: 'bh1' | 'bh2' };

/**
 * "UniPC", equations 3 and 5: UniP of an order, or with `corrects` UniC, for the step from level `at` to the next. The weights solve
 * R rho = b, with rows r^0, r^1 ... of where the values lie in lambda; UniP-2's is 1/2 by the paper, whatever B(h).
 */
function stepOf(levels: readonly Level[], at: number, order: number, { predictX0, b }: Variant, corrects: boolean): Step {
  const [now, next] = [levels[at]!, levels[at + 1]!];
  const h = next.lambda - now.lambda;
  const scale = -(predictX0 ? next.alpha : next.sigma);
  const hh = predictX0 ? -h : h;
  const decay = predictX0 ? next.sigma / now.sigma : next.alpha / now.alpha;
  const gain = scale * Math.expm1(hh);
  if (h === 0 || (order === 1 && !corrects)) return { decay, gain, before: [], ahead: 0 };
  const B = b === 'bh1' ? hh : Math.expm1(hh);
  const r = Array.from({ length: order - 1 }, (_, i) => (levels[at - 1 - i]!.lambda - now.lambda) / h);
  const places = corrects ? [...r, 1] : r;
  let factorial = 1;
  const right = places.map((_, i) => (hh * phi(i + 2, hh) * (factorial *= i + 1)) / B);
  const rho =
    places.length === 1
      ? [0.5]
      : solve(
          places.map((_, power) => places.map((place) => place ** power)),
          right,
        );
  return { decay, gain, before: r.map((place, i) => (scale * B * rho[i]!) / place), ahead: corrects ? scale * B * rho.at(-1)! : 0 };
}

/** x after a step: `values` where the step begins and before it, newest first. */
function take({ decay, gain, before, ahead }: Step, from: Float32Array, values: readonly Float32Array[], end?: Float32Array): Float32Array {
  const spent = before.reduce((sum, weight) => sum + weight, ahead);
  return weightedSum(
    [decay, from],
    [gain - spent, values[0]!],
    ...before.map((weight, i) => [weight, values[i + 1]!] as const),
    ...(end === undefined ? [] : [[ahead, end] as const]),
  );
}

function checkConfig({
  order = 2,
  predictX0 = true,
  lowerOrderFinal = true,
  finalSigma = 'zero',
  threshold = null,
  steps,
}: UnipcConfig): void {
  checkOrder('unipc', order, MAX_ORDER);
  const refuse = (message: string): never => {
    throw new DiffusionError('invalid-config', `Error in unipc: ${message}`, { order, predictX0, lowerOrderFinal, finalSigma });
  };
  if (!predictX0 && threshold !== null) refuse('thresholding bounds x0, which predict_x0 false does not look at');
  if (finalSigma !== 'zero') return;
  if (!predictX0) refuse('predict_x0 false integrates the noise, which has no limit at sigma 0; give final_sigmas_type sigma_min');
  if (!lowerOrderFinal && order > 1 && steps > 1)
    refuse('without lower_order_final the last step is of higher order, which has no limit at sigma 0; give final_sigmas_type sigma_min');
}

/**
 * UniPC ("UniPC: a unified predictor-corrector framework", algorithms 1 and 2), as diffusers' UniPCMultistepScheduler; by default of second
 * order, B2(h), data prediction. One network call a step: the corrector reuses it.
 */
export function unipc(schedule: NoiseSchedule, config: UnipcConfig): Scheduler {
  checkConfig(config);
  refuseContinuous('unipc', config);
  const { order = 2, lowerOrderFinal = true, predictX0 = true, disableCorrector = [], solverType } = config;
  const variant: Variant = { predictX0, b: solverType === 'bh1' ? 'bh1' : 'bh2' };
  const { timesteps, sigmas } = multistepLevels(schedule, config, {
    rounds: (rule) => rule === 'karras' || rule === 'lu',
    endsAtRule: true,
  });
  const levels = sigmas.map(levelOf);
  const orderAt = (k: number) => Math.min(order, k + 1, lowerOrderFinal ? timesteps.length - k : order);
  const earlier = ({ history }: StepInput) =>
    history.map((result) => (predictX0 ? result.predictedX0 : result.predictedNoise).data).reverse();
  return {
    timesteps,
    sigmas,
    initialScale: 1,
    memory: order,
    needsNoise: () => false,
    step(input) {
      checkStep('unipc', input, false);
      const { k, x, history } = input;
      const predicted = readPrediction(input, levels[k]!.alpha ** 2, config, { consistent: !predictX0 });
      const value = predictX0 ? predicted.x0 : predicted.noise;
      const before = earlier(input);
      const corrects = k > 0 && !disableCorrector.includes(k - 1);
      const from = corrects ? take(stepOf(levels, k - 1, orderAt(k - 1), variant, true), history.at(-1)!.from.data, before, value) : x.data;
      const sample = take(stepOf(levels, k, orderAt(k), variant, false), from, [value, ...before]);
      return stepResult(input, sample, predicted, from);
    },
  };
}
