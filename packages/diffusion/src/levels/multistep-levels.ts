import { DiffusionError } from '../errors.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import {
  checkFalling,
  ruledSigmas,
  sigmasAt,
  timestepOfSigma,
  trainingSigmas,
  type LevelConfig,
  type NoiseLevels,
  type SigmaRule,
} from './noise-levels.ts';
import { checkSteps, roundHalfToEven, spacedTimesteps, trailingTimesteps } from './spacing.ts';

export interface MultistepConfig extends LevelConfig {
  /** Terms of the expansion in log-SNR: the steps that are looked at at once. */
  order?: number;
  /** Whether the order falls towards the end of the run. */
  lowerOrderFinal?: boolean;
  /**
   * DPM-Solver's second-order step, `midpoint` or `heun`; UniPC's B(h), `bh1` (h) or `bh2` (e^h - 1). Each takes its own default for the
   * other's, as diffusers does.
   */
  solverType?: 'midpoint' | 'heun' | 'bh1' | 'bh2' | 'logrho';
}

/** What the reference schedulers do differently. */
export interface LevelRules {
  /** Timesteps whose lambda is smaller are left out of the spacing. */
  readonly lambdaMinClipped?: number;
  /** Whether timesteps of a rule's sigmas are rounded, or cut to whole numbers. */
  readonly rounds: (rule: SigmaRule) => boolean;
  /** Whether `sigma_min` at the end is the smallest of a rule's sigmas, and not of the schedule's. */
  readonly endsAtRule: boolean;
}

/**
 * A timestep cut to a whole number. The reference finds it in single precision, where one that is whole comes out a hair above or below by
 * the rounding of its table: it is taken as below, which is what diffusers gives at the last timestep of Stable Diffusion's schedule.
 */
const cut = (timestep: number): number => Math.max(0, Math.floor(timestep - 1e-6));

/**
 * The whole timesteps of a spacing. These solvers step to the end themselves, so `linspace` and `leading` lay one more timestep over the
 * schedule and drop the last. `last` is how many of the timesteps are not clipped.
 */
function wholeTimesteps(trainTimesteps: number, last: number, { steps, spacing = 'linspace', stepsOffset = 0 }: LevelConfig): number[] {
  if (last === trainTimesteps)
    return spacing === 'trailing'
      ? spacedTimesteps(trainTimesteps, steps, spacing)
      : spacedTimesteps(trainTimesteps, steps + 1, spacing, stepsOffset).slice(0, -1);
  if (spacing !== 'trailing') return spacedTimesteps(last, steps + 1, spacing, stepsOffset).slice(0, -1);
  const stride = trainTimesteps / steps;
  return trailingTimesteps(last, stride, Math.ceil(last / stride)).filter((t) => t >= 0);
}

/** The noise levels of DPM-Solver and UniPC, as set_timesteps of their diffusers schedulers. */
export function multistepLevels(schedule: NoiseSchedule, config: LevelConfig, rules: LevelRules): NoiseLevels {
  const { steps, sigmas: rule = 'timesteps', finalSigma = 'zero' } = config;
  const { trainTimesteps } = schedule;
  const table = trainingSigmas(schedule);
  checkSteps(steps, trainTimesteps);
  const levels = (timesteps: readonly number[], sigmas: readonly number[], smallest: number): NoiseLevels => {
    const all = [...sigmas, finalSigma === 'zero' ? 0 : smallest];
    checkFalling('multistepLevels', all);
    return { timesteps, sigmas: all };
  };
  if (rule === 'timesteps') {
    const clipped = table.reduce((count, sigma) => count + (-Math.log(sigma) < (rules.lambdaMinClipped ?? -Infinity) ? 1 : 0), 0);
    const timesteps = wholeTimesteps(trainTimesteps, trainTimesteps - clipped, config);
    return levels(timesteps, sigmasAt(table, timesteps), table[0]!);
  }
  const sigmas = ruledSigmas(rule, { min: config.sigmaMin ?? table[0]!, max: config.sigmaMax ?? table.at(-1)!, steps });
  const whole = rules.rounds(rule) ? roundHalfToEven : cut;
  // A rule that ends at the table's smallest sigma meets it exactly: its own last value is off by rounding.
  const smallest = rules.endsAtRule ? sigmas.at(-1)! : Math.min(table[0]!, sigmas.at(-1)!);
  return levels(
    sigmas.map((sigma) => whole(timestepOfSigma(table, sigma))),
    sigmas,
    smallest,
  );
}

/** A noise level as exponential integrators use it. */
export interface Level {
  /** sqrt(abar) and sqrt(1 - abar). */
  alpha: number;
  sigma: number;
  /** Half the log of the signal-to-noise ratio; infinite where there is no noise. */
  lambda: number;
}

export function levelOf(ratio: number): Level {
  const alpha = 1 / Math.sqrt(1 + ratio * ratio);
  return { alpha, sigma: ratio * alpha, lambda: -Math.log(ratio) };
}

/**
 * phi_k(z) of exponential integrators: phi_1 = (e^z - 1) / z, phi_{k+1} = (phi_k - 1/k!) / z. By its series where the quotient would lose
 * digits; phi_k(0) = 1/k!.
 */
export function phi(k: number, z: number): number {
  if (Math.abs(z) < 0.5) {
    let term = 1;
    for (let i = 2; i <= k; i++) term /= i;
    let sum = 0;
    for (let n = k + 1; Math.abs(term) > 1e-18; n++) {
      sum += term;
      term *= z / n;
    }
    return sum;
  }
  let value = Math.expm1(z) / z;
  let inverse = 1;
  for (let i = 1; i < k; i++) {
    inverse /= i;
    value = (value - inverse) / z;
  }
  return value;
}

/** @throws DiffusionError invalid-config unless order is a whole number from 1 to most */
export function checkOrder(name: string, order: number, most: number): void {
  if (!Number.isInteger(order) || order < 1 || order > most)
    throw new DiffusionError('invalid-config', `Error in ${name}: expected order to be an integer from 1 to ${most}, got ${order}`, {
      order,
    });
}
