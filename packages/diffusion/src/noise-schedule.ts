import { DiffusionError } from './errors.ts';

export interface NoiseScheduleConfig {
  /** Number of diffusion steps T the model is trained on. */
  trainTimesteps?: number;
  /**
   * `linear` (DDPM), `scaled_linear` (latent diffusion: linear in sqrt(beta)), `sigmoid` (GeoDiff), or betas that follow a signal level
   * abar of time, capped at 0.999: `cosine` (improved DDPM), `laplace`, `exp`.
   */
  schedule?: 'linear' | 'scaled_linear' | 'cosine' | 'sigmoid' | 'laplace' | 'exp';
  /** First and last beta; schedules that follow a signal level have none. Defaults are Stable Diffusion's. */
  betaStart?: number;
  betaEnd?: number;
  /** The T betas themselves, in place of a schedule. */
  betas?: readonly number[];
  /** Rescaled so that nothing of the signal is left at T ("Common diffusion noise schedules and sample steps are flawed", algorithm 1). */
  zeroTerminalSnr?: boolean;
}

/** Longest schedule that is made: tables and searches over it stay within milliseconds. */
const MAX_TRAIN_TIMESTEPS = 100_000;
const MAX_BETA = 0.999;

/** The signal level abar at a time in [0, 1], by the schedules that are defined through it. */
const SIGNAL = {
  cosine: (time: number) => Math.cos(((time + 0.008) / 1.008) * (Math.PI / 2)) ** 2,
  laplace: (time: number) => {
    const distance = 0.5 - time;
    const sign = distance < 0 ? -1 : 1;
    const snr = Math.exp(-0.5 * sign * Math.log(1 - 2 * Math.abs(distance) + 1e-6));
    return Math.sqrt(snr / (1 + snr));
  },
  exp: (time: number) => Math.exp(-12 * time),
};

/** beta_t by the config's rule. */
function betaRule({
  trainTimesteps: count,
  schedule,
  betaStart,
  betaEnd,
}: Required<Omit<NoiseScheduleConfig, 'betas' | 'zeroTerminalSnr'>>) {
  const linear = (from: number, to: number, t: number) => (count === 1 ? from : from + ((to - from) * t) / (count - 1));
  const following = (signal: (time: number) => number) => (t: number) =>
    Math.min(1 - signal((t + 1) / count) / signal(t / count), MAX_BETA);
  switch (schedule) {
    case 'linear':
      return (t: number) => linear(betaStart, betaEnd, t);
    case 'scaled_linear':
      return (t: number) => linear(Math.sqrt(betaStart), Math.sqrt(betaEnd), t) ** 2;
    case 'sigmoid':
      return (t: number) => (betaEnd - betaStart) / (1 + Math.exp(-linear(-6, 6, t))) + betaStart;
    case 'cosine':
    case 'laplace':
    case 'exp':
      return following(SIGNAL[schedule]);
  }
}

/**
 * The forward process q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I), t = 0..T-1, in float64.
 * Defaults are Stable Diffusion's: 1000 steps, scaled_linear, 0.00085 to 0.012.
 * Same numbers as the diffusers schedulers' `alphas_cumprod`. Throws DiffusionError for an impossible configuration.
 */
export class NoiseSchedule {
  /** What it was made from: another thread makes the same one from it. */
  readonly config: NoiseScheduleConfig;
  readonly trainTimesteps: number;
  /** abar_t: the share of signal variance left at step t. Falls from almost 1 to almost 0, or to 0 with `zeroTerminalSnr`. */
  readonly alphasCumprod: Float64Array;

  constructor(config: NoiseScheduleConfig = {}) {
    const { schedule = 'scaled_linear', betaStart = 0.00085, betaEnd = 0.012, betas, zeroTerminalSnr = false } = config;
    const { trainTimesteps = betas?.length ?? 1000 } = config;
    this.config = config;
    checkConfig({ trainTimesteps, schedule, betaStart, betaEnd, betas, zeroTerminalSnr });
    const rule = betaRule({ trainTimesteps, schedule, betaStart, betaEnd });
    this.trainTimesteps = trainTimesteps;
    this.alphasCumprod = new Float64Array(trainTimesteps);
    let product = 1;
    for (let t = 0; t < trainTimesteps; t++) {
      product *= 1 - (betas === undefined ? rule(t) : betas[t]!);
      this.alphasCumprod[t] = product;
    }
    if (zeroTerminalSnr) this.#rescale();
  }

  /** Shifts and stretches sqrt(abar) so that it starts where it did and ends at 0. */
  #rescale(): void {
    const signal = this.alphasCumprod.map(Math.sqrt);
    const [first, last] = [signal[0]!, signal.at(-1)!];
    signal.forEach((value, t) => (this.alphasCumprod[t] = ((value - last) * (first / (first - last))) ** 2));
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

function checkConfig({
  trainTimesteps,
  schedule,
  betaStart,
  betaEnd,
  betas,
  zeroTerminalSnr,
}: Required<Omit<NoiseScheduleConfig, 'betas'>> & Pick<NoiseScheduleConfig, 'betas'>): void {
  const expect = (fine: boolean, message: string, values: Record<string, unknown>): void => {
    if (!fine) throw new DiffusionError('invalid-config', `Error in NoiseSchedule: expected ${message}`, values);
  };
  const between = (value: number) => value > 0 && value < 1;
  expect(
    Number.isInteger(trainTimesteps) && trainTimesteps >= 1 && trainTimesteps <= MAX_TRAIN_TIMESTEPS,
    `trainTimesteps to be a positive integer up to ${MAX_TRAIN_TIMESTEPS}, got ${trainTimesteps}`,
    { trainTimesteps },
  );
  expect(between(betaStart) && betaStart <= betaEnd && between(betaEnd), `0 < betaStart <= betaEnd < 1, got ${betaStart} and ${betaEnd}`, {
    betaStart,
    betaEnd,
  });
  expect(
    ['linear', 'scaled_linear', 'cosine', 'sigmoid', 'laplace', 'exp'].includes(schedule),
    `schedule to be linear, scaled_linear, cosine, sigmoid, laplace or exp, got ${schedule}`,
    { schedule },
  );
  expect(betas === undefined || betas.length === trainTimesteps, `${trainTimesteps} betas, got ${betas?.length}`, { trainTimesteps });
  const wrong = betas?.findIndex((beta) => !between(beta)) ?? -1;
  expect(wrong < 0, `betas between 0 and 1, got ${betas?.[wrong]} at ${wrong}`, { index: wrong });
  expect(!zeroTerminalSnr || trainTimesteps > 1, `more than one step for zeroTerminalSnr`, { trainTimesteps });
}
