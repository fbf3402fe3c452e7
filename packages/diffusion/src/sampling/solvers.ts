import { DiffusionError } from '../errors.ts';
import type { InterpolatedLevelConfig } from '../levels/interpolated-levels.ts';
import { sigmaRules, type SigmaRule } from '../levels/noise-levels.ts';
import type { TimestepSpacing } from '../levels/spacing.ts';
import type { NoiseSchedule } from '../noise-schedule.ts';
import { ddim, type DdimConfig } from '../solvers/ddim.ts';
import { ddpm, type DdpmConfig } from '../solvers/ddpm.ts';
import { dpmSolver, type DpmSolverConfig } from '../solvers/dpm-solver.ts';
import { euler, eulerAncestral } from '../solvers/euler.ts';
import { heun } from '../solvers/heun.ts';
import { lms } from '../solvers/lms.ts';
import { pndm, type PndmConfig } from '../solvers/pndm.ts';
import { unipc, type UnipcConfig } from '../solvers/unipc.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * What a model asks of whichever solver samples from it: what it was trained on (prediction, bounds of x0, spacing, what it is told of
 * time), which every solver honours or refuses, and choices of one method, such as `sigmas` or `order`, which the others are the same with.
 */
export type SamplingConfig = DdimConfig &
  DdpmConfig &
  PndmConfig &
  InterpolatedLevelConfig &
  DpmSolverConfig &
  UnipcConfig & {
    /**
     * Whether bounds of x0 act only in solvers whose class has them as arguments, as a config of diffusers is meant: its `from_config`
     * passes them over elsewhere. A model's own bounds act in every solver.
     */
    boundsByClass?: boolean;
  };

interface Solver {
  readonly make: (schedule: NoiseSchedule, config: SamplingConfig) => Scheduler;
  /** The class of diffusers whose numbers it gives. */
  readonly reference: string;
  /** The options of the method, beside those that every solver takes: the arguments of that class. */
  readonly options: readonly (keyof SamplingConfig)[];
  /** Which bounds of x0 that class has. */
  readonly bounds: readonly (typeof BOUNDS)[number][];
}

const COMMON = ['steps', 'prediction', 'spacing', 'stepsOffset', 'timestepType'] as const;
const BOUNDS = ['clipSample', 'threshold'] as const;
const MULTISTEP = ['order', 'lowerOrderFinal', 'solverType', 'sigmas', 'finalSigma'] as const;

const TABLE = {
  ddim: { make: ddim, reference: 'DDIMScheduler', options: ['eta', 'setAlphaToOne'], bounds: BOUNDS },
  euler: {
    make: euler,
    reference: 'EulerDiscreteScheduler',
    options: ['sigmas', 'sigmaMin', 'sigmaMax', 'finalSigma', 'interpolation'],
    bounds: [],
  },
  'euler-a': { make: eulerAncestral, reference: 'EulerAncestralDiscreteScheduler', options: [], bounds: [] },
  heun: { make: heun, reference: 'HeunDiscreteScheduler', options: ['sigmas'], bounds: ['clipSample'] },
  lms: { make: lms, reference: 'LMSDiscreteScheduler', options: ['sigmas'], bounds: [] },
  pndm: { make: pndm, reference: 'PNDMScheduler', options: ['skipPrkSteps', 'setAlphaToOne'], bounds: [] },
  'dpm++2m': {
    make: dpmSolver,
    reference: 'DPMSolverMultistepScheduler',
    options: [...MULTISTEP, 'algorithm', 'eulerAtFinal', 'lambdaMinClipped', 'roundsCosine'],
    bounds: ['threshold'],
  },
  unipc: {
    make: unipc,
    reference: 'UniPCMultistepScheduler',
    options: [...MULTISTEP, 'predictX0', 'disableCorrector', 'sigmaMin', 'sigmaMax'],
    bounds: ['threshold'],
  },
  ddpm: { make: ddpm, reference: 'DDPMScheduler', options: ['variance', 'previous'], bounds: BOUNDS },
} as const satisfies Record<string, Solver>;

export type SolverName = keyof typeof TABLE;
export const solverNames = Object.keys(TABLE) as SolverName[];

/** How a solver's noise levels can be laid; solvers that are bound to timesteps know these alone. */
export function sigmaRulesOf(name: SolverName): readonly SigmaRule[] {
  if (!(TABLE[name].options as readonly string[]).includes('sigmas')) return ['timesteps'];
  return name === 'dpm++2m' ? sigmaRules : sigmaRules.filter((rule) => rule !== 'lu');
}

/** Solvers whose ruled sigmas lie between the ends of the schedule, and not between those of the spaced timesteps. */
const RULED: readonly SolverName[] = ['dpm++2m', 'unipc'];

/** The solver's own options of a config. */
function own(name: SolverName, config: SamplingConfig): SamplingConfig {
  const { options, bounds } = TABLE[name];
  const keys: readonly string[] = [...COMMON, ...options, ...(config.boundsByClass === true ? bounds : BOUNDS)];
  const entries = Object.entries(config).filter(([key, value]) => keys.includes(key) && value !== undefined);
  const kept = Object.fromEntries(entries) as unknown as SamplingConfig;
  // A rule of another class, as its `from_config` passes it over.
  return kept.sigmas === undefined || sigmaRulesOf(name).includes(kept.sigmas) ? kept : { ...kept, sigmas: 'timesteps' };
}

/**
 * Every way to remove the noise, by the name that flags and reports use. Where a config names no spacing, each takes the one that its
 * diffusers class does.
 */
export const SOLVERS = Object.fromEntries(
  solverNames.map((name) => [name, (schedule: NoiseSchedule, config: SamplingConfig) => TABLE[name].make(schedule, own(name, config))]),
) as Record<SolverName, (schedule: NoiseSchedule, config: SamplingConfig) => Scheduler>;

/** The solver that gives the numbers of a diffusers class; undefined for a class that none does. */
export const solverOfClass = (reference: string): SolverName | undefined => solverNames.find((name) => TABLE[name].reference === reference);

/** What a user asks of a solver over what the model's config says. */
export interface ChosenSampling {
  readonly spacing?: TimestepSpacing;
  /** How noise levels are laid: `karras` and others in place of the spaced timesteps. */
  readonly sigmas?: SigmaRule;
}

/**
 * The scheduler of a solver for a model, with a user's own choices. Cheap: making it is also the check that the choices and the number of
 * steps fit.
 * @param config the model's, with `steps`
 * @throws DiffusionError invalid-config naming the option that the solver does not have, or the value that does not fit
 */
export function createScheduler(name: SolverName, schedule: NoiseSchedule, config: SamplingConfig, chosen: ChosenSampling = {}): Scheduler {
  const { sigmas = 'timesteps', spacing } = chosen;
  if (!sigmaRulesOf(name).includes(sigmas)) {
    const having = solverNames.filter((other) => sigmaRulesOf(other).includes(sigmas));
    throw new DiffusionError('invalid-config', `${name} has no ${sigmas} sigmas; solvers that have: ${having.join(', ')}`, {
      solver: name,
      sigmas,
    });
  }
  const rule = chosen.sigmas ?? config.sigmas ?? 'timesteps';
  if (spacing !== undefined && RULED.includes(name) && rule !== 'timesteps' && sigmaRulesOf(name).includes(rule))
    throw new DiffusionError(
      'invalid-config',
      `${name} lays ${rule} sigmas between the ends of the model's schedule, whatever the spacing: leave spacing ${spacing} out, or take no ${rule} sigmas`,
      { solver: name, sigmas: rule, spacing },
    );
  return SOLVERS[name](schedule, {
    ...config,
    ...(spacing === undefined ? {} : { spacing }),
    ...(chosen.sigmas === undefined ? {} : { sigmas }),
  });
}
