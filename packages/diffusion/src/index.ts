export { DiffusionError, type DiffusionErrorCode } from './errors.ts';
export { addNoise, trainingTarget, velocity, type FloatTensor } from './forward.ts';
export { combineGuidance, dropPrompts, promptDropMask } from './guidance.ts';
export { NoiseSchedule, type NoiseScheduleConfig } from './noise-schedule.ts';
export { splitPrediction, type Prediction } from './prediction.ts';
export { initialNoise, sample, type SampleOptions } from './sample.ts';
export { ddim, ddpm, type DdimConfig, type DdpmConfig, type Scheduler, type StepResult } from './scheduler.ts';
export { spacedTimesteps, type TimestepSpacing } from './spacing.ts';
export { stratifiedTimesteps, uniformTimesteps } from './timesteps.ts';
