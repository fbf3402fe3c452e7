import { NoiseSchedule, type Prediction, type SamplingConfig, type TimestepSpacing } from '@controllab/diffusion';
import { BaseModelError } from '../errors.ts';

/** diffusers' scheduler_config.json, as far as training and the solvers here depend on it. */
export interface SchedulerConfig {
  num_train_timesteps?: number;
  beta_start?: number;
  beta_end?: number;
  beta_schedule?: string;
  prediction_type?: string;
  timestep_spacing?: TimestepSpacing;
  steps_offset?: number;
  set_alpha_to_one?: boolean;
  use_karras_sigmas?: boolean;
  final_sigmas_type?: string;
}

/** Features of a scheduler that would give other images if they were left out. */
const UNSUPPORTED = [
  'trained_betas',
  'rescale_betas_zero_snr',
  'thresholding',
  'clip_sample',
  'use_exponential_sigmas',
  'use_beta_sigmas',
  'use_flow_sigmas',
] as const;

const SCHEDULES = { linear: 'linear', scaled_linear: 'scaled_linear', squaredcos_cap_v2: 'cosine' } as const;
const PREDICTIONS: Record<string, Prediction> = { epsilon: 'epsilon', v_prediction: 'v', sample: 'sample' };

/** The noise schedule and prediction that a model was trained with, and what it asks of solvers. */
export interface SchedulerSettings {
  readonly schedule: NoiseSchedule;
  readonly prediction: Prediction;
  readonly sampling: Omit<SamplingConfig, 'steps'>;
}

/**
 * Reads a scheduler's config. Where it names no spacing, each solver takes the one that its diffusers class does.
 * @throws BaseModelError invalid-model for a scheduler with features not implemented
 */
export function schedulerSettings(config: SchedulerConfig): SchedulerSettings {
  const {
    num_train_timesteps,
    beta_start = 0.0001,
    beta_end = 0.02,
    beta_schedule = 'linear',
    prediction_type = 'epsilon',
    timestep_spacing,
    steps_offset = 0,
    set_alpha_to_one = true,
    use_karras_sigmas = false,
    final_sigmas_type = 'zero',
  } = config;
  const refuse = (message: string): never => {
    throw new BaseModelError('invalid-model', `scheduler_config.json: ${message}`, { config });
  };
  for (const key of UNSUPPORTED) if ((config as Record<string, unknown>)[key]) refuse(`${key} is not implemented`);
  if (final_sigmas_type !== 'zero') refuse(`final_sigmas_type: only "zero" is implemented, got ${JSON.stringify(final_sigmas_type)}`);
  const known = <T>(key: string, value: string, values: Record<string, T>): T =>
    Object.hasOwn(values, value)
      ? values[value]!
      : refuse(`${key}: expected ${Object.keys(values).join(', ')}, got ${JSON.stringify(value)}`);
  const prediction = known('prediction_type', prediction_type, PREDICTIONS);
  return {
    schedule: new NoiseSchedule({
      trainTimesteps: num_train_timesteps,
      schedule: known('beta_schedule', beta_schedule, SCHEDULES),
      betaStart: beta_start,
      betaEnd: beta_end,
    }),
    prediction,
    sampling: {
      prediction,
      ...(timestep_spacing === undefined ? {} : { spacing: timestep_spacing }),
      stepsOffset: steps_offset,
      setAlphaToOne: set_alpha_to_one,
      karras: use_karras_sigmas,
    },
  };
}
