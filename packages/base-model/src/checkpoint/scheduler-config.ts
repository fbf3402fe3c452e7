import { DiffusionError, readSchedulerConfig, type SchedulerSettings } from '@controllab/diffusion';
import { BaseModelError } from '../errors.ts';

/** diffusers' scheduler_config.json; `readSchedulerConfig` reads it and refuses what it does not know. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/**
 * Reads a checkpoint's scheduler config: the noise schedule and prediction that it was trained with, and what it asks of solvers. Where it
 * names no spacing, each solver takes the one that its diffusers class does.
 * @throws BaseModelError invalid-model naming the key that is unknown, impossible or asks for what is not implemented
 */
export function schedulerSettings(config: SchedulerConfig): Pick<SchedulerSettings, 'schedule' | 'prediction' | 'sampling'> {
  try {
    const { schedule, prediction, sampling } = readSchedulerConfig(config);
    return { schedule, prediction, sampling };
  } catch (error) {
    if (!(error instanceof DiffusionError)) throw error;
    throw new BaseModelError('invalid-model', `scheduler_config.json: ${error.message}`, { config }, { cause: error });
  }
}
