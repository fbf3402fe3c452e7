import type * as tf from '@tensorflow/tfjs';
import { initialize, parameterSpecs, withParameters, type Module, type Weights } from '@controllab/core-blocks';
import type { DatasetReference } from '@controllab/data';
import type { HostTensor, NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';
import { startBatchWorker } from '../batch-worker.ts';
import { checkRecipe, type Recipe } from '../denoising/recipe.ts';
import { severalSteps, updateOf } from '../denoising/step.ts';
import { stepCounts, trainByRecipe, type RecipeTraining, type Trained } from '../train-by-recipe.ts';
import { compileTrainStep, type TrainStepDefinition } from '../train-step.ts';
import type { PictureBatchData } from './batches.ts';

/** How a model of pictures is trained: a recipe without what only denoisers have. */
export type PictureRecipe = Omit<Recipe, 'promptDrop' | 'timesteps' | 'snrGamma'>;

/** What trains on pictures themselves. */
export interface PictureModel {
  /** The networks that train, each under the prefix of its name. */
  readonly modules: Readonly<Record<string, Module>>;
  /** Frozen weights that the loss reads. */
  readonly constants: Weights;
  /** Height and width of pictures and conditions. */
  readonly pixels: readonly [number, number];
  /** Whether the loss reads a condition. */
  readonly conditional: boolean;
  /** Of `images` [N, 3, H, W] in [-1, 1] and `condition` [N, 3, H, W] in [0, 1], the networks' parameters bound. */
  loss(inputs: NamedTensors, constants: NamedTensors): tf.Scalar;
}

/** @throws TrainingError invalid-options naming the field that makes no sense */
export const checkPictureRecipe = (recipe: PictureRecipe): void => checkRecipe({ ...recipe, promptDrop: 0, timesteps: 'uniform' });

/** The loss as one step of AdamW. */
export function pictureStep(model: PictureModel, recipe: PictureRecipe, name: string): TrainStepDefinition {
  const { modules, constants, pixels, conditional } = model;
  const batch: TensorSpec = { shape: [recipe.batchSize, 3, ...pixels] };
  return {
    name,
    trainable: parameterSpecs(modules),
    constants,
    inputs: { images: batch, ...(conditional ? { condition: batch } : {}) },
    ...updateOf(recipe),
    loss: ({ params, constants: frozen, inputs }) => ({ loss: withParameters(modules, params, () => model.loss(inputs, frozen)) }),
  };
}

/**
 * Trains a model of pictures from random weights on a dataset: compiled step, batches from a worker, checkpoints, log, evaluations. The
 * same arguments give the same bytes, however often the training was killed and called again.
 * @throws TrainingError, and what the evaluation throws
 */
export async function trainOnPictures(
  training: RecipeTraining & {
    readonly model: PictureModel;
    readonly dataset: DatasetReference;
    /** The condition that the model reads, by its name in the dataset. */
    readonly condition?: string;
    readonly recipe: PictureRecipe;
  },
): Promise<Trained> {
  const { name, model, recipe, seed, engine, dataset, condition } = training;
  checkPictureRecipe(recipe);
  const data: PictureBatchData = { dataset, recipe, seed, ...(condition === undefined ? {} : { condition }) };
  return trainByRecipe(training, {
    compile: () =>
      compileTrainStep(pictureStep(model, recipe, name), { ...engine, stepsPerRun: severalSteps(stepCounts(recipe, training)) }),
    recipe,
    start: () =>
      Object.assign({}, ...Object.entries(model.modules).map(([prefix, module]) => initialize(module, seed, prefix))) as Record<
        string,
        HostTensor
      >,
    batches: () => startBatchWorker({ module: new URL('./batches.ts', import.meta.url), data }),
  });
}
