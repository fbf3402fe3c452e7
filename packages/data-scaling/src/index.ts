export { rolloutTable } from './view/rollout-table.ts';
export { curvePlaces } from './view/curve-places.ts';
export { DataScalingError, type DataScalingErrorCode } from './errors.ts';
export {
  budgetsOf,
  computeOptimal,
  isoFlopBias,
  isoFlopFit,
  lawParameters,
  powerOfCompute,
  type IsoFlopBias,
  type IsoFlopFit,
  type IsoFlopParabola,
  type LawParameters,
  type PowerOfCompute,
} from './fit/iso-flop.ts';
export { logLogFit, offsetFit, type LogLogFit, type OffsetFit } from './fit/least-squares.ts';
export {
  chinchillaLaw,
  fitLaw,
  HOFFMANN_DELTA,
  kaplanLaw,
  kaplanParameters,
  offsetPowerLaw,
  powerLaw,
  predictLosses,
  type Fit,
  type FitOptions,
  type Law,
  type Runs,
  type Variable,
} from './fit/laws.ts';
export { fitRidge, type Ridge } from './fit/ridge.ts';
export { bootstrap, percentileInterval, type Bootstrap, type BootstrapOptions } from './intervals/bootstrap.ts';
export { predictRuns, type Prediction, type PredictionOptions } from './intervals/prediction.ts';
export { profileIntervals, type Interval } from './intervals/profile.ts';
export { heldOut, rollout, type Rollout } from './intervals/rollout.ts';
export { nestedSubset } from './subsets/nested-subset.ts';
export { shuffledIndex } from './subsets/shuffled-index.ts';
export { planSweep, SIZES, type Budget, type PlannedRun, type SweptModel } from './subsets/sweep-plan.ts';
export { wrongConditions } from './subsets/wrong-conditions.ts';
