import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { dpmSolverPlusPlus2M } from './dpm-solver.ts';
import { euler } from './euler.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import type { SolverConfig, Scheduler } from './scheduler.ts';
import { unipc } from './unipc.ts';

/**
 * What a model asks of whichever solver samples from it. One for which a setting has no meaning, such as `karras` for DDIM, is the same
 * with it.
 */
export interface SamplingConfig extends SolverConfig {
  /** Whether the last step goes to abar = 1 or, as Stable Diffusion does, to abar_0. */
  setAlphaToOne?: boolean;
  /** Noise levels of "Elucidating the design space", equation 5, in place of the spaced timesteps' own. */
  karras?: boolean;
}

/**
 * Every way to remove the noise, by the name that flags and reports use. Where a config names no spacing, each takes the one that its
 * diffusers class does.
 */
export const SOLVERS = { ddim, euler, 'dpm++2m': dpmSolverPlusPlus2M, unipc, ddpm } as const satisfies Record<
  string,
  (schedule: NoiseSchedule, config: SamplingConfig) => Scheduler
>;

export type SolverName = keyof typeof SOLVERS;
export const solverNames = Object.keys(SOLVERS) as SolverName[];
