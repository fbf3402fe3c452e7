import { interpolatedLevels, type InterpolatedLevelConfig } from '../levels/interpolated-levels.ts';
import { checkFalling } from '../levels/noise-levels.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, stepResult, weightedSum, type Scheduler } from '../sampling/scheduler.ts';
import { initialScale } from './euler.ts';

/** Derivatives that a step looks at. */
const ORDER = 4;
/** Nodes of Gauss and Legendre's rule on [-1, 1], of equal weight: exact up to the third degree, all that ORDER needs. */
const NODES = [-1 / Math.sqrt(3), 1 / Math.sqrt(3)];

/** Weights of the newest `order` derivatives, newest first, in the step from level k: integrals of Lagrange's polynomials over it. */
function multistepWeights(sigmas: readonly number[], k: number, order: number): number[] {
  const [from, to] = [sigmas[k]!, sigmas[k + 1]!];
  const points = NODES.map((node) => (from + to) / 2 + (node * (to - from)) / 2);
  const others = Array.from({ length: order }, (_, i) => sigmas[k - i]!);
  return others.map((own, i) => {
    const lagrange = (sigma: number) =>
      others.reduce((product, other, j) => (j === i ? product : (product * (sigma - other)) / (own - other)), 1);
    return ((to - from) / 2) * points.reduce((sum, point) => sum + lagrange(point), 0);
  });
}

/** The linear multistep method of Adams and Bashforth on the probability flow ODE, of order 4, as diffusers' LMSDiscreteScheduler. */
export function lms(schedule: NoiseSchedule, config: InterpolatedLevelConfig): Scheduler {
  const { timesteps, sigmas } = interpolatedLevels(schedule, config);
  checkFalling('lms', sigmas);
  return {
    timesteps,
    sigmas,
    initialScale: initialScale(sigmas, config),
    memory: ORDER - 1,
    needsNoise: () => false,
    step(input) {
      checkStep('lms', input, false);
      const { k, x, history } = input;
      const [sigma, next] = [sigmas[k]!, sigmas[k + 1]!];
      const predicted = readPrediction(input, 1 / (1 + sigma * sigma), config, { consistent: true });
      const alpha = 1 / Math.sqrt(1 + next * next);
      const derivatives = [predicted.noise, ...history.map(({ predictedNoise }) => predictedNoise.data).reverse()].slice(0, ORDER);
      const weights = multistepWeights(sigmas, k, derivatives.length);
      const sample = weightedSum(
        [alpha * Math.sqrt(1 + sigma * sigma), x.data],
        ...derivatives.map((derivative, i) => [alpha * weights[i]!, derivative] as const),
      );
      return stepResult(input, sample, predicted);
    },
  };
}
