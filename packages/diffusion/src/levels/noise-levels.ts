import { DiffusionError } from '../errors.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import type { SolverConfig } from '../sampling/scheduler.ts';
import { betaQuantile } from './beta-quantile.ts';

/** The noise levels a solver visits, in sigma = sqrt((1 - abar) / abar), the ratio of noise to signal. */
export interface NoiseLevels {
  /** What the network is told at each. */
  timesteps: readonly number[];
  /** One more than timesteps: the last is where the run ends. */
  sigmas: readonly number[];
}

/**
 * How noise levels are laid between the largest and the smallest: by the spaced `timesteps`, evenly in sigma^(1/7) (`karras`), evenly in
 * log(sigma) (`exponential`; `lu` is the same with whole timesteps), or by quantiles of a beta distribution (`beta`).
 */
export type SigmaRule = 'timesteps' | 'karras' | 'exponential' | 'beta' | 'lu';

export const sigmaRules = ['timesteps', 'karras', 'exponential', 'beta', 'lu'] as const satisfies readonly SigmaRule[];

export interface LevelConfig extends SolverConfig {
  sigmas?: SigmaRule;
  /** Where rules other than `timesteps` begin and end, if not at the schedule's own. */
  sigmaMax?: number;
  sigmaMin?: number;
  /** Where the run ends: without noise, or at the smallest sigma. */
  finalSigma?: 'zero' | 'sigma_min';
}

/** Curvature of the noise levels of "Elucidating the design space", equation 5. */
const RHO = 7;
/** abar in place of 0 where sigma would be infinite, as in diffusers: sigma 4096. */
const MIN_ALPHA_CUMPROD = 2 ** -24;

/** sigma at each training timestep. */
export const trainingSigmas = (schedule: NoiseSchedule): Float64Array =>
  schedule.alphasCumprod.map((abar) =>
    abar === 0 ? Math.sqrt((1 - MIN_ALPHA_CUMPROD) / MIN_ALPHA_CUMPROD) : Math.sqrt((1 - abar) / abar),
  );

/** sigma at timesteps, whole or not; linear in between. */
export function sigmasAt(table: Float64Array, timesteps: readonly number[]): number[] {
  return timesteps.map((t) => {
    const low = Math.min(Math.floor(t), table.length - 1);
    const high = Math.min(low + 1, table.length - 1);
    return table[low]! + (t - low) * (table[high]! - table[low]!);
  });
}

/**
 * `steps` levels from max down to min by a rule.
 * @throws DiffusionError invalid-config
 */
export function ruledSigmas(
  rule: Exclude<SigmaRule, 'timesteps'>,
  { min, max, steps }: { min: number; max: number; steps: number },
): number[] {
  if (!(min > 0 && max >= min && max < Infinity) || !Number.isInteger(steps) || steps < 1) {
    throw new DiffusionError(
      'invalid-config',
      `Error in ${rule} sigmas: expected 0 < min <= max and at least one step, got ${min}, ${max} and ${steps}`,
      { min, max, steps },
    );
  }
  const along = Array.from({ length: steps }, (_, i) => (steps === 1 ? 0 : i / (steps - 1)));
  switch (rule) {
    case 'karras':
      return along.map((u) => (max ** (1 / RHO) + u * (min ** (1 / RHO) - max ** (1 / RHO))) ** RHO);
    case 'exponential':
    case 'lu':
      return along.map((u) => Math.exp(Math.log(max) + u * (Math.log(min) - Math.log(max))));
    case 'beta':
      return along.map((u) => min + betaQuantile(1 - u) * (max - min));
    default:
      throw new DiffusionError('invalid-config', `expected sigmas ${sigmaRules.join(', ')}, got ${String(rule)}`, { sigmas: rule });
  }
}

/**
 * The timestep whose sigma this is, between two training timesteps by interpolation of log(sigma), as diffusers does; clamped to the
 * schedule.
 */
export function timestepOfSigma(table: Float64Array, sigma: number): number {
  if (table.length === 1) return 0;
  // The last one that does not lie above it: where the last sigma was set for a zero terminal SNR, others before it may be larger.
  const low = Math.max(
    0,
    Math.min(
      table.findLastIndex((one) => one <= sigma),
      table.length - 2,
    ),
  );
  const [a, b] = [Math.log(table[low]!), Math.log(table[low + 1]!)];
  return low + Math.max(0, Math.min(1, (Math.log(sigma) - a) / (b - a)));
}

/** @throws DiffusionError invalid-config unless every level but the last lies above the next */
export function checkFalling(name: string, sigmas: readonly number[]): void {
  const at = sigmas.findIndex((sigma, k) => k > 0 && !(k === sigmas.length - 1 ? sigma <= sigmas[k - 1]! : sigma < sigmas[k - 1]!));
  if (at > 0)
    throw new DiffusionError(
      'invalid-config',
      `Error in ${name}: the noise must fall at every step, but goes from ${sigmas[at - 1]} to ${sigmas[at]} at step ${at}; take fewer steps or other spacing`,
      { step: at, sigmas: [sigmas[at - 1], sigmas[at]] },
    );
}
