import { DiffusionError } from '../errors.ts';
import type { FloatTensor } from '../forward.ts';
import type { TimestepSpacing } from '../levels/spacing.ts';
import { splitPrediction, type Prediction } from '../prediction.ts';

export interface StepResult {
  /** x at the next, smaller timestep. */
  sample: FloatTensor;
  /** What the network thinks x0 is (after clipping). */
  predictedX0: FloatTensor;
  /** What it thinks the noise in x is. */
  predictedNoise: FloatTensor;
  /** What it returned. */
  output: FloatTensor;
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
  /**
   * The ratio of noise to signal at each step, and one more where the run ends, of solvers that go from one to the next; undefined of those
   * that go from timestep to timestep.
   */
  readonly sigmas?: readonly number[];
  /**
   * What standard normal noise is multiplied by to be the first x: 1, or a hair less where diffusers' `init_noise_sigma` leaves out the
   * share of the signal.
   */
  readonly initialScale: number;
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
  /**
   * Dynamic thresholding of predicted x0 in place of clipping ("Photorealistic text-to-image diffusion models", section 2.3): by each
   * sample's quantile of |x0| at `ratio`, kept between 1 and `max`.
   */
  threshold?: { ratio: number; max: number } | null;
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

/** @throws DiffusionError where the noise that a network predicts says nothing of x0, because abar is 0 */
export function checkSignal(name: string, alphasCumprod: readonly number[], { prediction = 'epsilon' }: SolverConfig): void {
  if (prediction === 'epsilon' && alphasCumprod.some((abar) => abar === 0))
    throw new DiffusionError(
      'invalid-config',
      `Error in ${name}: at zero terminal SNR the first timestep holds no signal, and predicted noise says nothing of x0; take a network that predicts v, or leading spacing`,
      { prediction },
    );
}

/** The quantile of a sample's absolute values, linear between its neighbours. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.map(Math.abs).sort();
  const rank = ratio * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (rank - low) * (sorted[high]! - sorted[low]!);
}

/** Bounds x0 in place as a config asks. Returns whether it asks. */
function bound(x0: Float32Array, rows: number, { clipSample = null, threshold = null }: SolverConfig): boolean {
  if (threshold !== null) {
    const length = x0.length / rows;
    for (let n = 0; n < rows; n++) {
      const row = x0.subarray(n * length, (n + 1) * length);
      const limit = Math.min(Math.max(quantile(row, threshold.ratio), 1), threshold.max);
      row.forEach((value, i) => (row[i] = Math.max(-limit, Math.min(limit, value)) / limit));
    }
  } else if (clipSample !== null) {
    for (let i = 0; i < x0.length; i++) x0[i] = Math.max(-clipSample, Math.min(clipSample, x0[i]!));
  }
  return threshold !== null || clipSample !== null;
}

/**
 * x0 and noise that an output stands for, x0 bounded. Bounding leaves the noise as predicted, like most of the reference schedulers, or
 * with `consistent` makes it what is left of x beside the bounded x0.
 */
export function readPrediction(
  { x, output }: Pick<StepInput, 'x' | 'output'>,
  alphaCumprod: number,
  config: SolverConfig,
  { consistent = false }: { consistent?: boolean } = {},
): { x0: Float32Array; noise: Float32Array } {
  const split = splitPrediction(config.prediction ?? 'epsilon', output.data, x.data, alphaCumprod);
  const bounded = bound(split.x0, x.shape[0] ?? 1, config);
  return bounded && consistent ? splitPrediction('sample', split.x0, x.data, alphaCumprod) : split;
}

/** The result of a step to `sample`. */
export function stepResult(
  { x, output }: StepInput,
  sample: Float32Array,
  { x0, noise }: { x0: Float32Array; noise: Float32Array },
  from: Float32Array = x.data,
): StepResult {
  const { shape } = x;
  return {
    sample: { data: sample, shape },
    predictedX0: { data: x0, shape },
    predictedNoise: { data: noise, shape },
    output,
    from: { data: from, shape },
  };
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
