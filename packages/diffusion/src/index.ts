export { readSchedulerConfig, type SchedulerSettings } from './diffusers/scheduler-config.ts';
export { DiffusionError, type DiffusionErrorCode } from './errors.ts';
export { addNoise, trainingTarget, velocity, type FloatTensor } from './forward.ts';
export { combineGuidance, dropPrompts, rescaleGuidance } from './guidance.ts';
export { sigmaRules, type SigmaRule } from './levels/noise-levels.ts';
export { spacedTimesteps, timestepSpacings, type TimestepSpacing } from './levels/spacing.ts';
export { minSnrWeight } from './min-snr.ts';
export { NoiseSchedule, type NoiseScheduleConfig } from './noise-schedule.ts';
export { splitPrediction, type Prediction } from './prediction.ts';
export { initialNoise, sample, type SampleOptions } from './sampling/sample.ts';
export type { SolverConfig, Scheduler, StepInput, StepResult } from './sampling/scheduler.ts';
export {
  createScheduler,
  sigmaRulesOf,
  SOLVERS,
  solverNames,
  type ChosenSampling,
  type SamplingConfig,
  type SolverName,
} from './sampling/solvers.ts';
export { ddim, type DdimConfig } from './solvers/ddim.ts';
export { ddpm, type DdpmConfig } from './solvers/ddpm.ts';
export { dpmSolver, type DpmSolverConfig } from './solvers/dpm-solver.ts';
export { euler, eulerAncestral, type EulerConfig } from './solvers/euler.ts';
export { heun } from './solvers/heun.ts';
export { lms } from './solvers/lms.ts';
export { pndm, type PndmConfig } from './solvers/pndm.ts';
export { unipc, type UnipcConfig } from './solvers/unipc.ts';
export { stratifiedTimesteps, uniformTimesteps } from './timesteps.ts';
