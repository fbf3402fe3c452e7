import { DiffusionError } from './errors.ts';

export interface NoiseScheduleConfig {
  /** Number of diffusion steps T the model is trained on. */
  trainTimesteps?: number;
  /** `linear` (DDPM), `scaled_linear` (latent diffusion: linear in sqrt(beta)) or `cosine` (improved DDPM, betas capped at 0.999). */
  schedule?: 'linear' | 'scaled_linear' | 'cosine';
  /** First and last beta; the cosine schedule has none. Defaults are Stable Diffusion's. */
  betaStart?: number;
  betaEnd?: number;
}

const MAX_COSINE_BETA = 0.999;

/**
 * The forward process q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I), t = 0..T-1, in float64.
 * Defaults are Stable Diffusion's: 1000 steps, scaled_linear, 0.00085 to 0.012.
 * Same numbers as the diffusers schedulers' `alphas_cumprod`. Throws DiffusionError for an impossible configuration.
 */
export class NoiseSchedule {
  /** What it was made from: another thread makes the same one from it. */
  readonly config: NoiseScheduleConfig;
  readonly trainTimesteps: number;
  /** abar_t: the share of signal variance left at step t. Falls from almost 1 to almost 0. */
  readonly alphasCumprod: Float64Array;

  constructor(config: NoiseScheduleConfig = {}) {
    const { trainTimesteps = 1000, schedule = 'scaled_linear', betaStart = 0.00085, betaEnd = 0.012 } = config;
    this.config = config;
    if (!Number.isInteger(trainTimesteps) || trainTimesteps < 1) {
      throw new DiffusionError(
        'invalid-config',
        `Error in NoiseSchedule: expected trainTimesteps to be a positive integer, got ${trainTimesteps}`,
        { trainTimesteps },
      );
    }
    if (!(betaStart > 0 && betaStart <= betaEnd && betaEnd < 1)) {
      throw new DiffusionError(
        'invalid-config',
        `Error in NoiseSchedule: expected 0 < betaStart <= betaEnd < 1, got ${betaStart} and ${betaEnd}`,
        { betaStart, betaEnd },
      );
    }
    const linear = (from: number, to: number, t: number) => (trainTimesteps === 1 ? from : from + ((to - from) * t) / (trainTimesteps - 1));
    const signal = (time: number) => Math.cos(((time + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    const betaOf = {
      linear: (t: number) => linear(betaStart, betaEnd, t),
      scaled_linear: (t: number) => linear(Math.sqrt(betaStart), Math.sqrt(betaEnd), t) ** 2,
      cosine: (t: number) => Math.min(1 - signal((t + 1) / trainTimesteps) / signal(t / trainTimesteps), MAX_COSINE_BETA),
    }[schedule];
    if (betaOf === undefined) {
      throw new DiffusionError(
        'invalid-config',
        `Error in NoiseSchedule: expected schedule to be linear, scaled_linear or cosine, got ${schedule}`,
        { schedule },
      );
    }
    this.trainTimesteps = trainTimesteps;
    this.alphasCumprod = new Float64Array(trainTimesteps);
    let product = 1;
    for (let t = 0; t < trainTimesteps; t++) {
      product *= 1 - betaOf(t);
      this.alphasCumprod[t] = product;
    }
  }

  /** abar_t. Throws DiffusionError unless t is an integer in [0, T). */
  alphaCumprod(t: number): number {
    const value = this.alphasCumprod[t];
    if (value === undefined) {
      throw new DiffusionError(
        'invalid-timestep',
        `Error in NoiseSchedule: expected a timestep that is an integer in [0, ${this.trainTimesteps}), got ${t}`,
        { timestep: t },
      );
    }
    return value;
  }
}
