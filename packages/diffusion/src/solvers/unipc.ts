import type { NoiseSchedule } from '../noise-schedule.ts';
import { levelOf, multistepLevels, type Level, type MultistepConfig } from './multistep.ts';
import { checkStep, readPrediction, weightedSum, type Scheduler, type StepInput } from './scheduler.ts';

/** The step from one level to another, in the terms of both halves of UniPC. */
function between(now: Level, next: Level): { decay: number; gain: number; hh: number } {
  const hh = now.lambda - next.lambda;
  return { decay: next.sigma / now.sigma, gain: -next.alpha * Math.expm1(hh), hh };
}

/**
 * Weights of the differences to the step before and to the new x0: the 2 x 2 system of UniC-2 ("UniPC", equation 5) with B(h) = e^h - 1.
 */
function correctorWeights(hh: number, rk: number): [number, number] {
  const phi1 = Math.expm1(hh);
  const phi2 = phi1 / hh - 1;
  const phi3 = phi2 / hh - 1 / 2;
  const [b1, b2] = [phi2 / phi1, (2 * phi3) / phi1];
  const before = (b1 - b2) / (1 - rk);
  return [before, b1 - before];
}

/** UniC: redoes the step that led to x, now that x0 at its end is known. Order 1 where there is only one step to look back at. */
function correct({ x, history, k }: StepInput, x0: Float32Array, levels: readonly Level[]): Float32Array {
  const last = history.at(-1);
  if (last === undefined) return x.data;
  const [now, next] = [levels[k - 1]!, levels[k]!];
  const { decay, gain, hh } = between(now, next);
  const m0 = last.predictedX0.data;
  const m1 = history.at(-2)?.predictedX0.data;
  if (m1 === undefined) return weightedSum([decay, last.from.data], [gain / 2, m0], [gain / 2, x0]);
  const rk = (levels[k - 2]!.lambda - now.lambda) / -hh;
  const [before, ahead] = correctorWeights(hh, rk);
  return weightedSum([decay, last.from.data], [gain * (1 - before / rk - ahead), m0], [(gain * before) / rk, m1], [gain * ahead, x0]);
}

/** UniP: the step on. Order 1 in the first step, and in the last, which goes to sigma = 0. */
function predict(from: Float32Array, x0: Float32Array, { history, k }: StepInput, levels: readonly Level[]): Float32Array {
  const [now, next] = [levels[k]!, levels[k + 1]!];
  const { decay, gain, hh } = between(now, next);
  const m1 = history.at(-1)?.predictedX0.data;
  if (m1 === undefined || next.sigma === 0) return weightedSum([decay, from], [gain, x0]);
  const rk = (levels[k - 1]!.lambda - now.lambda) / -hh;
  return weightedSum([decay, from], [gain * (1 - 0.5 / rk), x0], [(gain * 0.5) / rk, m1]);
}

/**
 * UniPC ("UniPC: a unified predictor-corrector framework", algorithms 1 and 2), second order, B2(h), data prediction, as diffusers'
 * UniPCMultistepScheduler with solver_type bh2. One network call a step: the corrector reuses it.
 */
export function unipc(schedule: NoiseSchedule, config: MultistepConfig): Scheduler {
  const { timesteps, sigmas } = multistepLevels(schedule, config);
  const levels = sigmas.map(levelOf);
  return {
    timesteps,
    memory: 2,
    needsNoise: () => false,
    step(input) {
      checkStep('unipc', input, false);
      const { x0 } = readPrediction(input, levels[input.k]!.alpha ** 2, config);
      const { shape } = input.x;
      const from = correct(input, x0, levels);
      return { sample: { data: predict(from, x0, input, levels), shape }, predictedX0: { data: x0, shape }, from: { data: from, shape } };
    },
  };
}
