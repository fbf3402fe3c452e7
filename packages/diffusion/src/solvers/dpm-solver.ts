import type { NoiseSchedule } from '../noise-schedule.ts';
import { levelOf, multistepLevels, type MultistepConfig } from './multistep.ts';
import { checkStep, readPrediction, weightedSum, type Scheduler } from './scheduler.ts';

/**
 * DPM-Solver++(2M) ("DPM-Solver++", algorithm 2): two steps' x0 extrapolated to the middle of the next, first order in the first and the
 * last step. As diffusers' DPMSolverMultistepScheduler with solver_order 2, midpoint and final sigma zero.
 */
export function dpmSolverPlusPlus2M(schedule: NoiseSchedule, config: MultistepConfig): Scheduler {
  const { timesteps, sigmas } = multistepLevels(schedule, config);
  const levels = sigmas.map(levelOf);
  return {
    timesteps,
    memory: 1,
    needsNoise: () => false,
    step(input) {
      checkStep('dpmSolverPlusPlus2M', input, false);
      const { k, x, history } = input;
      const [now, next] = [levels[k]!, levels[k + 1]!];
      const { x0 } = readPrediction(input, now.alpha ** 2, config);
      const h = next.lambda - now.lambda;
      const before = history.at(-1)?.predictedX0.data;
      const gain = -next.alpha * Math.expm1(-h);
      // x0 halfway through the step, on the line through the last two in lambda.
      const slope = before === undefined || next.sigma === 0 ? 0 : h / (now.lambda - levels[k - 1]!.lambda) / 2;
      const sample = weightedSum([next.sigma / now.sigma, x.data], [gain * (1 + slope), x0], [-gain * slope, before ?? x0]);
      return { sample: { data: sample, shape: x.shape }, predictedX0: { data: x0, shape: x.shape }, from: x };
    },
  };
}
