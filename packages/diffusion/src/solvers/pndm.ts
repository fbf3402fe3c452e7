import { DiffusionError } from '../errors.ts';
import { refuseContinuous } from '../levels/interpolated-levels.ts';
import { spacedTimesteps } from '../levels/spacing.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import {
  checkStep,
  readPrediction,
  stepResult,
  weightedSum,
  type Scheduler,
  type SolverConfig,
  type StepInput,
} from '../sampling/scheduler.ts';

export interface PndmConfig extends SolverConfig {
  /** Whether the run begins with linear multistep of lower order, as Stable Diffusion does, and not with Runge-Kutta steps. */
  skipPrkSteps?: boolean;
  /** Whether the last step goes to abar = 1 or, as Stable Diffusion does, to abar_0. */
  setAlphaToOne?: boolean;
}

/** Steps that Runge-Kutta begins with, of four network calls each. */
const PRK_STEPS = 3;
const PRK_CALLS = 4 * PRK_STEPS;
/** Weights of the newest outputs, newest first, by how many there are ("Pseudo numerical methods for diffusion models", equation 12). */
const MULTISTEP = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const;

/** The timesteps of a run: pseudo Runge-Kutta's, and the linear multistep method's, whose second is visited twice without the former. */
function runTimesteps(down: readonly number[], half: number, skipPrkSteps: boolean): number[] {
  if (skipPrkSteps) return down.length === 1 ? [...down] : [down[0]!, down[1]!, ...down.slice(1)];
  const prk = down.slice(0, PRK_STEPS).flatMap((t, i) => {
    const next = down[i + 1]!;
    return [t, next + half, next + half, next];
  });
  return [...prk, ...down.slice(PRK_STEPS)];
}

/** Which outputs a step goes along, with their weights; from which step's sample; and between which timesteps. */
interface Plan {
  readonly weights: readonly (readonly [step: number, weight: number])[];
  readonly origin: number;
  readonly from: number;
  readonly to: number;
}

function planRungeKutta(k: number, timesteps: readonly number[], half: number): Plan {
  const first = k - (k % 4);
  const weights = k % 4 === 3 ? ([1, 2, 2, 1] as const).map((w, i) => [first + i, w / 6] as const) : [[k, 1] as const];
  return { weights, origin: first, from: timesteps[first]!, to: timesteps[k]! - (k % 2 === 0 ? half : 0) };
}

function planMultistep(k: number, timesteps: readonly number[], stride: number, skipPrkSteps: boolean): Plan {
  const now = timesteps[k]!;
  // The second call only makes the first step again, along the mean of both.
  if (skipPrkSteps && k === 1)
    return {
      weights: [
        [1, 1 / 2],
        [0, 1 / 2],
      ],
      origin: 0,
      from: now + stride,
      to: now,
    };
  const kept = skipPrkSteps ? (i: number) => i !== 1 : (i: number) => i >= PRK_CALLS || i % 4 === 0;
  const newest = Array.from({ length: k + 1 }, (_, i) => k - i)
    .filter(kept)
    .slice(0, MULTISTEP.length);
  return { weights: newest.map((step, i) => [step, MULTISTEP[newest.length - 1]![i]!] as const), origin: k, from: now, to: now - stride };
}

/**
 * PNDM ("Pseudo numerical methods for diffusion models on manifolds", equations 11 to 13), as diffusers' PNDMScheduler; with `skipPrkSteps`
 * its PLMS, Stable Diffusion's first sampler, which calls the network once more than there are steps.
 */
export function pndm(schedule: NoiseSchedule, config: PndmConfig): Scheduler {
  const { steps, spacing = 'leading', stepsOffset = 0, prediction = 'epsilon', skipPrkSteps = false, setAlphaToOne = false } = config;
  const refuse = (message: string, values: Record<string, unknown>): never => {
    throw new DiffusionError('invalid-config', `Error in pndm: ${message}`, values);
  };
  refuseContinuous('pndm', config);
  if (prediction === 'sample') refuse('the network predicts x0, and the method is defined for noise and v', { prediction });
  if (!skipPrkSteps && steps <= PRK_STEPS)
    refuse(`${PRK_STEPS} Runge-Kutta steps come first; take more than ${PRK_STEPS} steps, or skip them (skip_prk_steps), got ${steps}`, {
      steps,
    });
  const stride = Math.floor(schedule.trainTimesteps / steps);
  const half = Math.floor(stride / 2);
  const timesteps = runTimesteps(spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset), half, skipPrkSteps);
  const plans = timesteps.map((_, k) =>
    !skipPrkSteps && k < PRK_CALLS ? planRungeKutta(k, timesteps, half) : planMultistep(k, timesteps, stride, skipPrkSteps),
  );
  const last = setAlphaToOne ? 1 : schedule.alphaCumprod(0);
  const levels = plans.map(({ from, to }) => [schedule.alphaCumprod(from), to < 0 ? last : schedule.alphaCumprod(to)] as const);
  if (levels.some(([abar]) => abar === 0))
    refuse('at zero terminal SNR its first step divides by zero; take leading spacing, or another solver', {});
  return {
    timesteps,
    initialScale: 1,
    memory: skipPrkSteps ? MULTISTEP.length : PRK_CALLS,
    needsNoise: () => false,
    step(input) {
      checkStep('pndm', input, false);
      const { weights, origin } = plans[input.k]!;
      const [abar, abarNext] = levels[input.k]!;
      const earlier = (step: number) => input.history.at(step - input.k)!;
      const output = weightedSum(
        ...weights.map(([step, w]) => [w, step === input.k ? input.output.data : earlier(step).output.data] as const),
      );
      const from = origin === input.k ? input.x : earlier(origin).from;
      const predicted = readPrediction({ x: from, output: { data: output, shape: from.shape } }, abar, config, { consistent: true });
      return transfer(input, predicted, from.data, abar, abarNext);
    },
  };
}

/** Equation 11: along the predicted noise from one level to the next. */
function transfer(input: StepInput, predicted: ReturnType<typeof readPrediction>, from: Float32Array, abar: number, abarNext: number) {
  const denominator = abar * Math.sqrt(1 - abarNext) + Math.sqrt(abar * (1 - abar) * abarNext);
  const sample = weightedSum([Math.sqrt(abarNext / abar), from], [-(abarNext - abar) / denominator, predicted.noise]);
  return stepResult(input, sample, predicted, from);
}
