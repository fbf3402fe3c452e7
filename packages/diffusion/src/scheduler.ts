import type { FloatTensor } from './forward.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import { splitPrediction, type Prediction } from './prediction.ts';
import { spacedTimesteps, type TimestepSpacing } from './spacing.ts';
import { DiffusionError } from './errors.ts';

export interface StepResult {
  /** x at the next, smaller timestep. */
  sample: FloatTensor;
  /** What the network thinks x0 is (after clipping). */
  predictedX0: FloatTensor;
}

/** One discretisation of the reverse process: which timesteps to visit and how to go from one to the next. */
export interface Scheduler {
  /** Timesteps to visit, largest first. */
  readonly timesteps: readonly number[];
  /** Whether `step` at this timestep needs fresh standard normal noise. */
  needsNoise(timestep: number): boolean;
  /** x_t and the network's output there (same shape) give the next sample. `noise`: that many standard normal values. */
  step(x: FloatTensor, output: FloatTensor, timestep: number, noise?: Float32Array): StepResult;
}

interface SamplerConfig {
  /** Number of sampling steps. */
  steps: number;
  prediction?: Prediction;
  /** Clamp predicted x0 to [-clipSample, clipSample]; null for latents, 1 for pixels. */
  clipSample?: number | null;
  spacing?: TimestepSpacing;
  /** Added to every timestep of `leading` spacing. */
  stepsOffset?: number;
}

export interface DdimConfig extends SamplerConfig {
  /** 0: deterministic DDIM; 1: DDPM's variance. */
  eta?: number;
  /** Whether the last step goes to abar = 1 or, as Stable Diffusion does, to abar_0. */
  setAlphaToOne?: boolean;
}

export interface DdpmConfig extends SamplerConfig {
  /** sigma^2: the posterior variance (`fixed_small`) or beta_t (`fixed_large`), DDPM section 3.2. */
  variance?: 'fixed_small' | 'fixed_large';
}

/** diffusers' floor under DDPM's posterior variance. */
const MIN_VARIANCE = 1e-20;

function checkStep(name: string, x: FloatTensor, output: FloatTensor, noise: Float32Array | undefined, needsNoise: boolean, timestep: number): void {
  if (x.shape.join() !== output.shape.join()) {
    throw new DiffusionError('invalid-shape', `Error in ${name}: expected the network's output to have x's shape [${x.shape}], got [${output.shape}]`, { x: x.shape, output: output.shape });
  }
  if (needsNoise && noise?.length !== x.data.length) {
    throw new DiffusionError('noise-required', `Error in ${name}: expected ${x.data.length} values of noise at timestep ${timestep}, got ${noise?.length ?? 'none'}`, { timestep });
  }
}

function clip(x: Float32Array, limit: number | null): void {
  if (limit !== null) for (let i = 0; i < x.length; i++) x[i] = Math.max(-limit, Math.min(limit, x[i]!));
}

/**
 * DDIM ("Denoising diffusion implicit models", equation 12), as diffusers' DDIMScheduler.
 * Clipping x0 leaves the noise direction as predicted, like the reference.
 */
export function ddim(schedule: NoiseSchedule, { steps, prediction = 'epsilon', clipSample = null, spacing = 'leading', stepsOffset = 0, eta = 0, setAlphaToOne = true }: DdimConfig): Scheduler {
  const stride = Math.floor(schedule.trainTimesteps / steps);
  return {
    timesteps: spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset),
    needsNoise: () => eta > 0,
    step(x, output, timestep, noise) {
      checkStep('ddim', x, output, noise, eta > 0, timestep);
      const abar = schedule.alphaCumprod(timestep);
      const next = timestep - stride;
      const abarNext = next >= 0 ? schedule.alphaCumprod(next) : setAlphaToOne ? 1 : schedule.alphaCumprod(0);
      const sigma = eta * Math.sqrt(((1 - abarNext) / (1 - abar)) * (1 - abar / abarNext));
      const { x0, noise: direction } = splitPrediction(prediction, output.data, x.data, abar);
      clip(x0, clipSample);
      const a = Math.sqrt(abarNext);
      const s = Math.sqrt(1 - abarNext - sigma * sigma);
      const sample = new Float32Array(x0.length);
      for (let i = 0; i < sample.length; i++) sample[i] = a * x0[i]! + s * direction[i]! + (sigma > 0 ? sigma * noise![i]! : 0);
      return { sample: { data: sample, shape: x.shape }, predictedX0: { data: x0, shape: x.shape } };
    },
  };
}

/** DDPM ancestral sampling ("Denoising diffusion probabilistic models", equations 6 and 7), as diffusers' DDPMScheduler. */
export function ddpm(schedule: NoiseSchedule, { steps, prediction = 'epsilon', clipSample = null, spacing = 'leading', stepsOffset = 0, variance = 'fixed_small' }: DdpmConfig): Scheduler {
  const stride = Math.floor(schedule.trainTimesteps / steps);
  return {
    timesteps: spacedTimesteps(schedule.trainTimesteps, steps, spacing, stepsOffset),
    needsNoise: (timestep) => timestep > 0,
    step(x, output, timestep, noise) {
      checkStep('ddpm', x, output, noise, timestep > 0, timestep);
      const abar = schedule.alphaCumprod(timestep);
      const abarNext = timestep >= stride ? schedule.alphaCumprod(timestep - stride) : 1;
      const alpha = abar / abarNext;
      const beta = 1 - alpha;
      const { x0 } = splitPrediction(prediction, output.data, x.data, abar);
      clip(x0, clipSample);
      const c0 = (Math.sqrt(abarNext) * beta) / (1 - abar);
      const ct = (Math.sqrt(alpha) * (1 - abarNext)) / (1 - abar);
      const posterior = Math.max(((1 - abarNext) / (1 - abar)) * beta, MIN_VARIANCE);
      const sigma = timestep > 0 ? Math.sqrt(variance === 'fixed_small' ? posterior : beta) : 0;
      const sample = new Float32Array(x0.length);
      for (let i = 0; i < sample.length; i++) sample[i] = c0 * x0[i]! + ct * x.data[i]! + (sigma > 0 ? sigma * noise![i]! : 0);
      return { sample: { data: sample, shape: x.shape }, predictedX0: { data: x0, shape: x.shape } };
    },
  };
}
