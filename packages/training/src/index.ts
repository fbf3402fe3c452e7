export { clipByGlobalNorm } from './clip-gradients.ts';
export { localBatches, makeBatches, type Batch, type BatchSource, type MakeBatch, type StepBatch } from './batch.ts';
export { startBatchWorker, type BatchWorkerOptions } from './batch-worker.ts';
export { newestCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
export {
  default as denoisingBatches,
  denoisingBatchModule,
  type DenoisingBatchData,
  type LatentBucket,
  type LatentPhase,
  type ModuleReference,
} from './denoising/batches.ts';
export { stepsOfEpochs } from './denoising/bucketed-examples.ts';
export { seenExamples } from './denoising/drawn-examples.ts';
export { latentPool, openLatentPool, type LatentPool } from './denoising/latent-pool.ts';
export { checkRecipe, examplesOfStep, learningRateOf, type Recipe } from './denoising/recipe.ts';
export { denoisingInputs, denoisingStep, stepsPerRun, trainedInBase, type DenoisingModel } from './denoising/step.ts';
export { startOf, trainControl, TRAINING_REVISION, type ControlTraining, type SizedBucket } from './denoising/train-control.ts';
export { TrainingError, type TrainingErrorCode } from './errors.ts';
export {
  constantRate,
  cosineRate,
  diffusersRate,
  diffusersSchedules,
  stableDecayRate,
  type DiffusersSchedule,
  type LearningRate,
} from './learning-rate.ts';
export { optimizerInputs, type OptimizerSettings } from './optimizer-inputs.ts';
export {
  runTraining,
  type Evaluation,
  type EvaluationValues,
  type TrainStep,
  type TrainingOptions,
  type TrainingResult,
} from './run-training.ts';
export { type Trained, type RecipeTraining } from './train-by-recipe.ts';
export { checkPictureRecipe, pictureStep, trainOnPictures, type PictureModel, type PictureRecipe } from './pictures/train-on-pictures.ts';
export { shuffledIndices } from './shuffled-indices.ts';
export { compileTrainStep, initialTrainState, stateTensors, trainStepFunction, type TrainStepDefinition } from './train-step.ts';
export { TrainingLog, type LogLine } from './training-log.ts';
