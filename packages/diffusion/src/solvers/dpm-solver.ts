import { DiffusionError } from '../errors.ts';
import { refuseContinuous } from '../levels/interpolated-levels.ts';
import { checkOrder, levelOf, multistepLevels, phi, type Level, type MultistepConfig } from '../levels/multistep-levels.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, stepResult, weightedSum, type Scheduler } from '../sampling/scheduler.ts';

export interface DpmSolverConfig extends MultistepConfig {
  /** What is integrated: the noise (`dpmsolver`) or x0 (`dpmsolver++`), along the probability flow or with fresh noise (`sde-`). */
  algorithm?: 'dpmsolver' | 'dpmsolver++' | 'sde-dpmsolver' | 'sde-dpmsolver++';
  /** Whether the last step is of first order whatever the number of steps. */
  eulerAtFinal?: boolean;
  /** Timesteps with a smaller log-SNR are left out: for schedules that end in almost pure noise. */
  lambdaMinClipped?: number;
  /** Whether timesteps of a rule's sigmas are rounded on a cosine schedule too, as in diffusers before 0.33; later ones cut them. */
  roundsCosine?: boolean;
}

export const dpmAlgorithms = [
  'dpmsolver',
  'dpmsolver++',
  'sde-dpmsolver',
  'sde-dpmsolver++',
] as const satisfies readonly DpmSolverConfig['algorithm'][];

const MAX_ORDER = 3;
/** Runs of fewer steps end in steps of lower order (`lowerOrderFinal`). */
const FEW_STEPS = 15;

/** Factors of x, of what is integrated, of its first and second divided difference in lambda, and of fresh noise. */
type Factors = readonly [x: number, value: number, first: number, second: number, noise: number];

/**
 * The factors of a step ("DPM-Solver++", equation 9 and appendix B; for `dpmsolver` "DPM-Solver", appendix B). First-order steps have no
 * divided difference; `midpoint` takes half the factor of the value for the first one.
 */
function factors(algorithm: NonNullable<DpmSolverConfig['algorithm']>, now: Level, next: Level, midpoint: boolean): Factors {
  const h = next.lambda - now.lambda;
  switch (algorithm) {
    case 'dpmsolver++': {
      const gain = -next.alpha * Math.expm1(-h);
      return [next.sigma / now.sigma, gain, midpoint ? gain / 2 : next.alpha * h * phi(2, -h), next.alpha * h * phi(3, -h), 0];
    }
    case 'dpmsolver': {
      const gain = -next.sigma * Math.expm1(h);
      return [next.alpha / now.alpha, gain, midpoint ? gain / 2 : -next.sigma * h * phi(2, h), -next.sigma * h * phi(3, h), 0];
    }
    case 'sde-dpmsolver++': {
      const gain = -next.alpha * Math.expm1(-2 * h);
      const fresh = next.sigma * Math.sqrt(-Math.expm1(-2 * h));
      // The second difference's factor is diffusers' own, with 1/2 taken off where the expansion adds it.
      const second = next.alpha * (-phi(2, -2 * h) - 0.5);
      return [(next.sigma / now.sigma) * Math.exp(-h), gain, midpoint ? gain / 2 : next.alpha * 2 * h * phi(2, -2 * h), second, fresh];
    }
    case 'sde-dpmsolver': {
      const gain = -2 * next.sigma * Math.expm1(h);
      const fresh = next.sigma * Math.sqrt(Math.expm1(2 * h));
      return [next.alpha / now.alpha, gain, midpoint ? gain / 2 : -2 * next.sigma * h * phi(2, h), NaN, fresh];
    }
  }
}

/** The order of each step: rising at the start, and falling at the end as the config asks. */
function orders(
  { order = 2, lowerOrderFinal = true, eulerAtFinal = false, finalSigma = 'zero' }: DpmSolverConfig,
  steps: number,
): number[] {
  const few = lowerOrderFinal && steps < FEW_STEPS;
  return Array.from({ length: steps }, (_, k) => {
    const left = steps - k;
    if (left === 1 && (eulerAtFinal || few || finalSigma === 'zero')) return 1;
    return Math.min(order, k + 1, left === 2 && few ? 2 : MAX_ORDER);
  });
}

/** Weights of the values at a step and the steps before in the first and the second divided difference. */
function differences(levels: readonly Level[], k: number, order: number): { first: number[]; second: number[] } {
  if (order === 1) return { first: [], second: [] };
  const h = levels[k + 1]!.lambda - levels[k]!.lambda;
  const h0 = levels[k]!.lambda - levels[k - 1]!.lambda;
  const near = [h / h0, -h / h0, 0];
  if (order === 2) return { first: near, second: [0, 0] };
  const h1 = levels[k - 1]!.lambda - levels[k - 2]!.lambda;
  const change = near.map((weight, i) => weight - [0, h / h1, -h / h1][i]!);
  return {
    first: near.map((weight, i) => weight + (h0 / (h0 + h1)) * change[i]!),
    second: change.map((weight) => (h / (h0 + h1)) * weight),
  };
}

function checkConfig({ algorithm = 'dpmsolver++', order = 2, finalSigma = 'zero' }: DpmSolverConfig): void {
  const refuse = (message: string): never => {
    throw new DiffusionError('invalid-config', `Error in dpmSolver: ${message}`, { algorithm, order, finalSigma });
  };
  checkOrder('dpmSolver', order, MAX_ORDER);
  if (!dpmAlgorithms.includes(algorithm)) refuse(`expected algorithm ${dpmAlgorithms.join(', ')}, got ${String(algorithm)}`);
  if (!algorithm.endsWith('++') && finalSigma === 'zero')
    refuse(`algorithm_type ${algorithm} integrates the noise, which has no limit at sigma 0; give final_sigmas_type sigma_min`);
  if (algorithm === 'sde-dpmsolver' && order === 3)
    refuse('algorithm_type sde-dpmsolver has no third-order step; give solver_order 1 or 2');
}

/**
 * DPM-Solver and DPM-Solver++ ("DPM-Solver++", algorithm 2), multistep, as diffusers' DPMSolverMultistepScheduler: by default 2M, of second
 * order with the midpoint rule, to sigma 0 in a first-order step.
 */
export function dpmSolver(schedule: NoiseSchedule, config: DpmSolverConfig): Scheduler {
  checkConfig(config);
  refuseContinuous('dpmSolver', config);
  const { algorithm = 'dpmsolver++', solverType = 'midpoint', lambdaMinClipped, roundsCosine = false } = config;
  const cosine = schedule.config.schedule === 'cosine';
  const { timesteps, sigmas } = multistepLevels(schedule, config, {
    lambdaMinClipped,
    rounds: (rule) => (rule === 'karras' || rule === 'lu') && (roundsCosine || !cosine),
    endsAtRule: false,
  });
  const levels = sigmas.map(levelOf);
  const order = orders(config, timesteps.length);
  const ofNoise = !algorithm.endsWith('++');
  const stochastic = algorithm.startsWith('sde-');
  return {
    timesteps,
    sigmas,
    initialScale: 1,
    memory: MAX_ORDER - 1,
    needsNoise: () => stochastic,
    step(input) {
      checkStep('dpmSolver', input, stochastic);
      const { k, x, history } = input;
      const [now, next] = [levels[k]!, levels[k + 1]!];
      const predicted = readPrediction(input, now.alpha ** 2, config, { consistent: ofNoise });
      const values = [predicted.x0, ...history.map((result) => result.predictedX0.data).reverse()];
      const noises = [predicted.noise, ...history.map((result) => result.predictedNoise.data).reverse()];
      // Third order has the rule of `heun` alone.
      const [ofX, value, first, second, fresh] = factors(algorithm, now, next, solverType !== 'heun' && order[k]! < MAX_ORDER);
      const weights = differences(levels, k, order[k]!);
      const along = (ofNoise ? noises : values).slice(0, order[k]).map((data, i) => {
        const sloped = order[k]! > 1 ? first * weights.first[i]! : 0;
        const curved = order[k] === MAX_ORDER ? second * weights.second[i]! : 0;
        return [(i === 0 ? value : 0) + sloped + curved, data] as const;
      });
      const sample = weightedSum([ofX, x.data], ...along, ...(stochastic ? [[fresh, input.noise!] as const] : []));
      return stepResult(input, sample, predicted);
    },
  };
}
