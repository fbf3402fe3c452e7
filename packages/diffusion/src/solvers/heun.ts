import { interpolatedLevels, type InterpolatedLevelConfig } from '../levels/interpolated-levels.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { checkStep, readPrediction, stepResult, weightedSum, type Scheduler } from '../sampling/scheduler.ts';
import { initialScale } from './euler.ts';

/**
 * Heun's method on the probability flow ODE ("Elucidating the design space", algorithm 1 without churn), as diffusers'
 * HeunDiscreteScheduler: two network calls a step, the second at where Euler's method would go; the last step is Euler's.
 */
export function heun(schedule: NoiseSchedule, config: InterpolatedLevelConfig): Scheduler {
  const levels = interpolatedLevels(schedule, config);
  const twice = (values: readonly number[]) => values.flatMap((value, i) => (i === 0 ? [value] : [value, value]));
  // Level k is the one that call k is made at.
  const sigmas = [...twice(levels.sigmas.slice(0, -1)), levels.sigmas.at(-1)!];
  return {
    timesteps: twice(levels.timesteps),
    sigmas,
    initialScale: initialScale(levels.sigmas, config),
    memory: 1,
    needsNoise: () => false,
    step(input) {
      checkStep('heun', input, false);
      const { k, x, history } = input;
      const predicted = readPrediction(input, 1 / (1 + sigmas[k]! ** 2), config, { consistent: true });
      const next = sigmas[k + 1]!;
      const alpha = 1 / Math.sqrt(1 + next * next);
      if (k % 2 === 0) return stepResult(input, weightedSum([alpha, predicted.x0], [alpha * next, predicted.noise]), predicted);
      const first = history.at(-1)!;
      const sigma = sigmas[k - 1]!;
      const half = (alpha * (next - sigma)) / 2;
      const sample = weightedSum(
        [alpha * Math.sqrt(1 + sigma * sigma), first.from.data],
        [half, first.predictedNoise.data],
        [half, predicted.noise],
      );
      return stepResult(input, sample, predicted, x.data);
    },
  };
}
