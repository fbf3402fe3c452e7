import { DiffusionError } from '../errors.ts';
import type { FloatTensor } from '../forward.ts';
import { splitPrediction, type Prediction } from '../prediction.ts';
import type { TimestepSpacing } from './spacing.ts';

export interface StepResult {
  /** x at the next, smaller timestep. */
  sample: FloatTensor;
  /** What the network thinks x0 is (after clipping). */
  predictedX0: FloatTensor;
  /** The sample the step set out from: the x it was given, unless the solver corrected that first (UniPC). */
  from: FloatTensor;
}

export interface StepInput {
  /** Which step: the network ran at `timesteps[k]`. */
  k: number;
  x: FloatTensor;
  /** The network's output at x, of x's shape. */
  output: FloatTensor;
  /** Results of the steps before, newest last; at least `memory` of them, or as many as there were. */
  history: readonly StepResult[];
  /** As many standard normal values as x has, where `needsNoise(k)`. */
  noise?: Float32Array;
}

/**
 * One discretisation of the reverse process: which timesteps to visit and how to go from one to the next.
 * x_t = sqrt(abar) x0 + sqrt(1 - abar) noise in every solver, so the network always gets x as it is and x_T is standard normal.
 * (diffusers keeps Euler's x divided by sqrt(abar) and rescales it for the network: the same values in other units.)
 */
export interface Scheduler {
  /** What the network is told at each step, largest first; not always whole numbers. */
  readonly timesteps: readonly number[];
  /** How many results of earlier steps a step looks back at. */
  readonly memory: number;
  /** Whether step k needs fresh standard normal noise. */
  needsNoise(k: number): boolean;
  /** @throws DiffusionError invalid-shape, noise-required */
  step(input: StepInput): StepResult;
}

/** What all solvers are told. */
export interface SolverConfig {
  /** Number of sampling steps. */
  steps: number;
  prediction?: Prediction;
  /** Clamp predicted x0 to [-clipSample, clipSample]; null for latents, 1 for pixels. */
  clipSample?: number | null;
  spacing?: TimestepSpacing;
  /** Added to every timestep of `leading` spacing. */
  stepsOffset?: number;
}

/** @throws DiffusionError when the network's output or the noise does not fit x */
export function checkStep(name: string, { x, output, noise, k }: StepInput, needsNoise: boolean): void {
  if (x.shape.join() !== output.shape.join()) {
    throw new DiffusionError(
      'invalid-shape',
      `Error in ${name}: expected the network's output to have x's shape [${x.shape}], got [${output.shape}]`,
      { x: x.shape, output: output.shape },
    );
  }
  if (needsNoise && noise?.length !== x.data.length) {
    throw new DiffusionError(
      'noise-required',
      `Error in ${name}: expected ${x.data.length} values of noise at step ${k}, got ${noise?.length ?? 'none'}`,
      { step: k },
    );
  }
}

/** x0 and noise that an output stands for, x0 clipped; clipping leaves the noise as predicted, like the reference schedulers. */
export function readPrediction(
  { x, output }: StepInput,
  alphaCumprod: number,
  { prediction = 'epsilon', clipSample = null }: SolverConfig,
): { x0: Float32Array; noise: Float32Array } {
  const split = splitPrediction(prediction, output.data, x.data, alphaCumprod);
  const { x0 } = split;
  if (clipSample !== null) for (let i = 0; i < x0.length; i++) x0[i] = Math.max(-clipSample, Math.min(clipSample, x0[i]!));
  return split;
}

/** The sum of arrays of one length, each times its factor. */
export function weightedSum(...terms: readonly (readonly [number, Float32Array])[]): Float32Array {
  const out = new Float32Array(terms[0]![1].length);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const [factor, values] of terms) sum += factor * values[i]!;
    out[i] = sum;
  }
  return out;
}
