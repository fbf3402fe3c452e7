import { DiffusionError } from '../errors.ts';
import { sigmaRules } from '../levels/noise-levels.ts';
import { timestepSpacings } from '../levels/spacing.ts';
import { NoiseSchedule, type NoiseScheduleConfig } from '../noise-schedule.ts';
import type { Prediction } from '../prediction.ts';
import { solverOfClass, type SamplingConfig, type SolverName } from '../sampling/solvers.ts';
import { dpmAlgorithms } from '../solvers/dpm-solver.ts';

/** What a scheduler_config.json says, for any solver. */
export interface SchedulerSettings {
  readonly schedule: NoiseSchedule;
  readonly prediction: Prediction;
  readonly sampling: Omit<SamplingConfig, 'steps'>;
  /** The solver that stands for the config's own class; undefined where it names none, or one of another solver. */
  readonly solver: SolverName | undefined;
}

/** A reader of one key: what it stands for in ours, or an error from `at`. `null` and an absent key are the default. */
type Reader = (value: unknown, at: At) => { schedule?: NoiseScheduleConfig; sampling?: Partial<SamplingConfig> };

/** The key that is read, for errors. */
interface At {
  readonly key: string;
  readonly config: Readonly<Record<string, unknown>>;
}

function refuse({ key, config }: At, message: string): never {
  throw new DiffusionError('invalid-config', `${key}: ${message}`, { key, value: config[key] });
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

function flag(value: unknown, at: At): boolean {
  return typeof value === 'boolean' ? value : refuse(at, `expected true or false, got ${shown(value)}`);
}

/** A number between bounds; diffusers writes infinities as the words that JSON lacks. */
function number(value: unknown, at: At, [min, max]: readonly [number, number] = [-Infinity, Infinity]): number {
  const given = value === '-inf' || value === '-Infinity' ? -Infinity : value;
  if (typeof given !== 'number' || !(given >= min && given <= max))
    return refuse(at, `expected a number${min === -Infinity ? '' : ` from ${min} to ${max}`}, got ${shown(value)}`);
  return given;
}

function integer(value: unknown, at: At, [min, max]: readonly [number, number]): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    return refuse(at, `expected an integer from ${min} to ${max}, got ${shown(value)}`);
  return value as number;
}

function choice<T>(value: unknown, at: At, choices: Readonly<Record<string, T>>): T {
  if (typeof value !== 'string' || !Object.hasOwn(choices, value))
    return refuse(at, `expected ${Object.keys(choices).join(', ')}, got ${shown(value)}`);
  return choices[value]!;
}

const named = <const T extends string>(names: readonly T[]): Record<T, T> =>
  Object.fromEntries(names.map((name) => [name, name])) as Record<T, T>;

function numbers(value: unknown, at: At): number[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'number'))
    return refuse(at, `expected a list of numbers, got ${shown(value).slice(0, 80)}`);
  return value as number[];
}

const MAX_TIMESTEPS = 100_000;
const POSITIVE = [Number.MIN_VALUE, Number.MAX_VALUE] as const;

const SCHEDULES = {
  linear: 'linear',
  scaled_linear: 'scaled_linear',
  squaredcos_cap_v2: 'cosine',
  sigmoid: 'sigmoid',
  laplace: 'laplace',
  exp: 'exp',
} as const;
const PREDICTIONS = { epsilon: 'epsilon', v_prediction: 'v', sample: 'sample' } as const;

/** For what only models of another kind ask for. */
const onlyOff =
  (message: string): Reader =>
  (value, at) =>
    value === false ? {} : refuse(at, message);

const FLOW = 'models trained by flow matching are not implemented';

const sigmaRule =
  (rule: SamplingConfig['sigmas']): Reader =>
  (value, at) =>
    flag(value, at) ? { sampling: { sigmas: rule } } : {};

const bounded =
  (range: readonly [number, number]): Reader =>
  (value, at) => {
    number(value, at, range);
    return {};
  };

/** Every argument of the reference classes. `clip_sample` and `thresholding` read their companions, the others their own value alone. */
const READERS: Readonly<Record<string, Reader>> = {
  num_train_timesteps: (value, at) => ({ schedule: { trainTimesteps: integer(value, at, [1, MAX_TIMESTEPS]) } }),
  beta_start: (value, at) => ({ schedule: { betaStart: number(value, at, POSITIVE) } }),
  beta_end: (value, at) => ({ schedule: { betaEnd: number(value, at, POSITIVE) } }),
  beta_schedule: (value, at) => ({ schedule: { schedule: choice(value, at, SCHEDULES) } }),
  trained_betas: (value, at) => ({ schedule: { betas: numbers(value, at) } }),
  rescale_betas_zero_snr: (value, at) => (flag(value, at) ? { schedule: { zeroTerminalSnr: true } } : {}),
  prediction_type: (value, at) => ({ sampling: { prediction: choice(value, at, PREDICTIONS) } }),
  timestep_spacing: (value, at) => ({ sampling: { spacing: choice(value, at, named(timestepSpacings)) } }),
  steps_offset: (value, at) => ({ sampling: { stepsOffset: integer(value, at, [0, MAX_TIMESTEPS]) } }),
  timestep_type: (value, at) => ({ sampling: { timestepType: choice(value, at, named(['discrete', 'continuous'])) } }),
  clip_sample: (value, at) =>
    flag(value, at) ? { sampling: { clipSample: number(at.config['clip_sample_range'] ?? 1, at, POSITIVE) } } : {},
  clip_sample_range: bounded(POSITIVE),
  thresholding: (value, at) => {
    if (!flag(value, at)) return {};
    const { dynamic_thresholding_ratio: ratio = 0.995, sample_max_value: max = 1 } = at.config;
    return { sampling: { threshold: { ratio: number(ratio, at, [0, 1]), max: number(max, at, POSITIVE) } } };
  },
  dynamic_thresholding_ratio: bounded([0, 1]),
  sample_max_value: bounded(POSITIVE),
  set_alpha_to_one: (value, at) => ({ sampling: { setAlphaToOne: flag(value, at) } }),
  skip_prk_steps: (value, at) => ({ sampling: { skipPrkSteps: flag(value, at) } }),
  variance_type: (value, at) => {
    if (value === 'learned' || value === 'learned_range')
      refuse(at, `networks that predict their variance are not implemented, got ${shown(value)}`);
    if (value === 'fixed_large_log') refuse(at, 'fixed_large_log takes the root of a negative number in diffusers; give fixed_large');
    return {
      sampling: { variance: choice(value, at, { fixed_small: 'fixed_small', fixed_small_log: 'fixed_small', fixed_large: 'fixed_large' }) },
    };
  },
  use_karras_sigmas: sigmaRule('karras'),
  use_exponential_sigmas: sigmaRule('exponential'),
  use_beta_sigmas: sigmaRule('beta'),
  use_lu_lambdas: sigmaRule('lu'),
  sigma_min: (value, at) => ({ sampling: { sigmaMin: number(value, at, POSITIVE) } }),
  sigma_max: (value, at) => ({ sampling: { sigmaMax: number(value, at, POSITIVE) } }),
  final_sigmas_type: (value, at) => ({ sampling: { finalSigma: choice(value, at, named(['zero', 'sigma_min'])) } }),
  interpolation_type: (value, at) => ({ sampling: { interpolation: choice(value, at, named(['linear', 'log_linear'])) } }),
  solver_order: (value, at) => ({ sampling: { order: integer(value, at, [1, 4]) } }),
  solver_type: (value, at) => ({ sampling: { solverType: choice(value, at, named(['midpoint', 'heun', 'bh1', 'bh2', 'logrho'])) } }),
  algorithm_type: (value, at) => ({ sampling: { algorithm: choice(value, at, { ...named(dpmAlgorithms), deis: 'dpmsolver++' }) } }),
  lower_order_final: (value, at) => ({ sampling: { lowerOrderFinal: flag(value, at) } }),
  euler_at_final: (value, at) => ({ sampling: { eulerAtFinal: flag(value, at) } }),
  lambda_min_clipped: (value, at) => ({ sampling: { lambdaMinClipped: number(value, at) } }),
  predict_x0: (value, at) => ({ sampling: { predictX0: flag(value, at) } }),
  disable_corrector: (value, at) => ({ sampling: { disableCorrector: numbers(value, at) } }),
  solver_p: (_, at) => refuse(at, 'another solver for the predictor is not implemented'),
  use_flow_sigmas: onlyOff(FLOW),
  use_dynamic_shifting: onlyOff(FLOW),
  shift_terminal: (_, at) => refuse(at, FLOW),
  flow_shift: bounded(POSITIVE),
  time_shift_type: (value, at) => {
    choice(value, at, named(['exponential', 'linear']));
    return {};
  },
};

/** Keys that say nothing of how is sampled: by whom and from where a file was written. */
const WITHOUT_EFFECT = ['_class_name', '_diffusers_version', '_name_or_path', '_use_default_values'];

/** Classes whose models are trained on the same forward process, beside those that a solver here stands for. */
const SAME_PROCESS = [
  'DEISMultistepScheduler',
  'DPMSolverSinglestepScheduler',
  'DPMSolverSDEScheduler',
  'KDPM2DiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
];

/** What the classes differ in of the keys that every config may leave out. */
const CLASS_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  DDIMScheduler: { clip_sample: true },
  DDPMScheduler: { clip_sample: true },
  HeunDiscreteScheduler: { beta_start: 0.00085, beta_end: 0.012 },
};
const DEFAULTS = { num_train_timesteps: 1000, beta_start: 0.0001, beta_end: 0.02, beta_schedule: 'linear', prediction_type: 'epsilon' };

/**
 * Reads a scheduler's config in diffusers' form. Keys that a solver's class does not have are its class's default where the config leaves
 * them out; `clip_sample`, which is on by default in DDIM and DDPM, only where the config is one of these classes. Bounds of x0 that a
 * solver's class does not have are without effect in it.
 * @param className the class, in place of the config's `_class_name`
 * @throws DiffusionError invalid-config naming the key that is unknown, has an impossible value or asks for what is not implemented
 */
export function readSchedulerConfig(
  given: Readonly<Record<string, unknown>>,
  className: unknown = given['_class_name'],
): SchedulerSettings {
  const solver = checkClass(className, given);
  const config = { ...DEFAULTS, ...CLASS_DEFAULTS[String(className)], ...withoutNulls(given) };
  const schedule: NoiseScheduleConfig = {};
  const sampling: Partial<SamplingConfig> = {};
  for (const [key, value] of Object.entries(config)) {
    if (WITHOUT_EFFECT.includes(key)) continue;
    const at = { key, config };
    if (!Object.hasOwn(READERS, key)) refuse(at, 'not a setting of any scheduler that is implemented');
    const read = READERS[key]!(value, at);
    Object.assign(schedule, read.schedule);
    Object.assign(sampling, read.sampling);
  }
  const rules = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas', 'use_lu_lambdas'].filter((key) => config[key as never]);
  if (rules.length > 1)
    refuse({ key: rules[1]!, config }, `only one of ${sigmaRules.slice(1).join(', ')} sigmas can be used, got ${rules.join(' and ')}`);
  return {
    schedule: new NoiseSchedule(schedule),
    prediction: sampling.prediction!,
    sampling: { ...(sampling as Omit<SamplingConfig, 'steps'>), boundsByClass: true },
    solver,
  };
}

const withoutNulls = (config: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null && value !== undefined));

function checkClass(className: unknown, config: Readonly<Record<string, unknown>>): SolverName | undefined {
  if (className === undefined || className === null) return undefined;
  const solver = typeof className === 'string' ? solverOfClass(className) : undefined;
  if (solver === undefined && !SAME_PROCESS.includes(className as string))
    refuse({ key: '_class_name', config }, `models for ${shown(className)} are not implemented`);
  return solver;
}
