import type { Json } from '@controllab/data';
import { readConstant, type LatentSize, type Weights } from '@controllab/core-blocks';
import type { NoiseScheduleConfig, Prediction } from '@controllab/diffusion';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import { startBatchWorker } from '../batch-worker.ts';
import { TrainingError } from '../errors.ts';
import { runTraining, type Evaluation, type TrainingOptions, type TrainingResult } from '../run-training.ts';
import { compileTrainStep, initialTrainState, stateTensors } from '../train-step.ts';
import type { ProgressOutput } from '@controllab/report';
import { denoisingBatchModule, type DenoisingBatchData, type LatentBucket, type LatentPhase, type ModuleReference } from './batches.ts';
import { checkRecipe, learningRateOf, type Recipe } from './recipe.ts';
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

export interface ControlTraining {
  /** Names the run in messages. */
  readonly name: string;
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
  readonly seed: number;
  /** Values that training goes on from in place of the method's own: those of an earlier training. See {@link startOf}. */
  readonly start?: Weights;
  /** Steps that came before: batches go on behind them; rate and moments begin anew. 0. */
  readonly firstStep?: number;
  readonly engine: Omit<CompileOptions, 'name' | 'stepsPerRun'>;
  /** Checkpoints and log.jsonl; called again with the same identity, training continues from there. */
  readonly directory: string;
  /** What identifies the training, beside the seed: checkpoints of anything else are refused. */
  readonly identity: Json;
  readonly checkpointEvery?: number;
  /** See `TrainingOptions`. */
  readonly keptCheckpoints?: number;
  readonly onRecord?: TrainingOptions['onRecord'];
  /** Gradient checkpointing, see `denoisingStep`. */
  readonly recompute?: boolean;
  /** See `DenoisingBatchData`. */
  readonly cutPrompts?: boolean;
  readonly evaluation?: Evaluation;
  readonly output?: ProgressOutput;
}

export interface TrainedControl {
  readonly result: TrainingResult;
  /** `control.` and, where the method trains some of it, `unet.`; null when the training was interrupted. */
  readonly weights: Record<string, HostTensor> | null;
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
function compileStep({ name, model, recipe, engine, evaluation, checkpointEvery, latent, data, recompute = false }: ControlTraining) {
  const compileFor = (size: LatentSize | undefined, perRun: number) =>
    compileTrainStep(denoisingStep(model, recipe, { name, recompute, ...(size === undefined ? {} : { latent: size }) }), {
      ...engine,
      stepsPerRun: perRun,
    });
  const { latents } = data;
  if (typeof latents !== 'string')
    return stepOfSizes(latents.map((bucket) => bucket.latent) as [LatentSize, ...LatentSize[]], (size) => compileFor(size, 1));
  const counts = [recipe.steps, evaluation?.every, checkpointEvery].filter((count) => count !== undefined);
  return compileFor(latent, stepsPerRun(model, counts));
}

/**
 * Trains a control network on a base model: compiled step, batches from a worker, checkpoints, log, evaluations. The same arguments give
 * the same bytes, however often the training was killed and called again.
 * @throws TrainingError, and what the evaluation throws
 */
export async function trainControl(training: ControlTraining): Promise<TrainedControl> {
  const { name, model, recipe, seed, evaluation, checkpointEvery, firstStep = 0 } = training;
  checkRecipe(recipe);
  const { cutPrompts = false, keptCheckpoints, onRecord } = training;
  const step = await compileStep(training);
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
  try {
    const result = await runTraining({
      name,
      step,
      initialState: initialTrainState(startOf(model, seed, training.start), {
        ema: recipe.ema !== null,
        accumulation: recipe.accumulation ?? 1,
      }),
      batches: startBatchWorker(denoisingBatchModule(batches)),
      totalSteps: recipe.steps,
      learningRate: learningRateOf(recipe),
      seed,
      config: training.identity,
      directory: training.directory,
      ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      ...(keptCheckpoints === undefined ? {} : { keptCheckpoints }),
      ...(onRecord === undefined ? {} : { onRecord }),
      ...(evaluation === undefined ? {} : { evaluation }),
      ...(training.output === undefined ? {} : { output: training.output }),
    });
    const kept = recipe.ema === null ? 'p' : 'ema';
    return { result, weights: result.status === 'finished' ? stateTensors(result.state, kept) : null };
  } finally {
    await step.release();
  }
}
