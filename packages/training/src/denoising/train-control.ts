import { readConstant, type LatentSize, type Weights } from '@controllab/core-blocks';
import type { NoiseScheduleConfig, Prediction } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { startBatchWorker } from '../batch-worker.ts';
import { TrainingError } from '../errors.ts';
import { stepCounts, trainByRecipe, type RecipeTraining, type Trained } from '../train-by-recipe.ts';
import { compileTrainStep } from '../train-step.ts';
import { denoisingBatchModule, type DenoisingBatchData, type LatentBucket, type LatentPhase, type ModuleReference } from './batches.ts';
import { checkRecipe, type Recipe } from './recipe.ts';
import { stepOfSizes } from './step-of-sizes.ts';
import { denoisingStep, stepsPerRun, trainedInBase, type DenoisingModel } from './step.ts';

/**
 * Raised with every change of training code that alters the bytes of a training: it is part of what identifies one, so that no result of
 * older code is taken for one of today's.
 */
export const TRAINING_REVISION = 2;

/** Pictures of one size, in latents. */
export interface SizedBucket extends LatentBucket {
  readonly latent: LatentSize;
}

export interface ControlTraining extends RecipeTraining {
  readonly model: DenoisingModel;
  readonly tokenizer: ModuleReference;
  readonly schedule: NoiseScheduleConfig;
  readonly prediction: Prediction;
  readonly data: Omit<LatentPhase, 'from' | 'latents'> & { readonly latents: string | readonly SizedBucket[] };
  readonly condition: string;
  /** Inputs that are the same for every sample, see `DenoisingBatchData`. */
  readonly fixed?: DenoisingBatchData['fixed'];
  /** Height and width in latents, where there are no buckets; the base's own without it. */
  readonly latent?: LatentSize;
  readonly recipe: Recipe;
  /** Values that training goes on from in place of the method's own: those of an earlier training. See {@link startOf}. */
  readonly start?: Weights;
  /** Steps that came before: batches go on behind them; rate and moments begin anew. 0. */
  readonly firstStep?: number;
  /** Gradient checkpointing, see `denoisingStep`. */
  readonly recompute?: boolean;
  /** See `DenoisingBatchData`. */
  readonly cutPrompts?: boolean;
}

/** The U-Net's weights by plain names. */
const unetWeights = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), t]] : [])));

/**
 * Values of the parameters before the first step: the control's own, and the base's where those train too.
 * @param earlier values that take their place, such as an earlier training's; what it lacks (a connection that is new) starts as ever
 * @throws TrainingError invalid-options naming what of `earlier` the model does not train, or trains in another shape
 */
export function startOf(model: DenoisingModel, seed: number, earlier: Weights = {}): Record<string, HostTensor> {
  const initial = model.control.initial(unetWeights(model.weights), seed);
  const inBase = trainedInBase(model).filter((name) => initial[name] === undefined);
  const start = { ...initial, ...Object.fromEntries(inBase.map((name) => [name, readConstant(model.weights[name]!)])) };
  for (const [name, value] of Object.entries(earlier)) {
    const shape = start[name]?.shape.join();
    if (shape !== value.shape.join())
      throw new TrainingError(
        'invalid-options',
        `training cannot go on from values that it has no place for: ${name} is [${value.shape.join(', ')}], ${shape === undefined ? 'and is not trained' : `expected [${shape}]`}`,
        { name },
      );
    start[name] = readConstant(value);
  }
  return start;
}

/** The step of a training: of one size several steps a run where that is quicker, of buckets one for each of their sizes. */
function compileStep(training: ControlTraining) {
  const { name, model, recipe, engine, latent, data, recompute = false } = training;
  const compileFor = (size: LatentSize | undefined, perRun: number) =>
    compileTrainStep(denoisingStep(model, recipe, { name, recompute, ...(size === undefined ? {} : { latent: size }) }), {
      ...engine,
      stepsPerRun: perRun,
    });
  const { latents } = data;
  if (typeof latents !== 'string')
    return stepOfSizes(latents.map((bucket) => bucket.latent) as [LatentSize, ...LatentSize[]], (size) => compileFor(size, 1));
  return compileFor(latent, stepsPerRun(model, stepCounts(recipe, training)));
}

/**
 * Trains a control network on a base model: compiled step, batches from a worker, checkpoints, log, evaluations. The same arguments give
 * the same bytes, however often the training was killed and called again. Its weights are under `control.` and, where the method trains
 * some of the base, `unet.`.
 * @throws TrainingError, and what the evaluation throws
 */
export async function trainControl(training: ControlTraining): Promise<Trained> {
  const { model, recipe, seed, firstStep = 0, cutPrompts = false } = training;
  checkRecipe(recipe);
  const { tokenizer, schedule, prediction, condition, fixed } = training;
  const batches: DenoisingBatchData = {
    phases: [{ from: 0, ...training.data }],
    tokenizer,
    schedule,
    prediction,
    recipe,
    seed,
    cutPrompts,
    firstStep,
    condition,
    ...(fixed === undefined ? {} : { fixed }),
  };
  return trainByRecipe(training, {
    compile: () => compileStep(training),
    recipe,
    start: () => startOf(model, seed, training.start),
    batches: () => startBatchWorker(denoisingBatchModule(batches)),
  });
}
