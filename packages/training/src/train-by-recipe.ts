import type { Json } from '@controllab/data';
import type { ProgressOutput } from '@controllab/report';
import type { CompiledFunction, CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import type { BatchSource } from './batch.ts';
import { checkpointFolder, checkpointSteps } from './checkpoint.ts';
import { learningRateOf, type Recipe } from './denoising/recipe.ts';
import { runTraining, type Evaluation, type TrainingOptions, type TrainingResult, type TrainStep } from './run-training.ts';
import { initialTrainState, stateTensors } from './train-step.ts';

/** What every training by a recipe takes. */
export interface RecipeTraining {
  /** Names the run in messages. */
  readonly name: string;
  readonly seed: number;
  readonly engine: Omit<CompileOptions, 'name' | 'stepsPerRun'>;
  /** Checkpoints and log.jsonl; called again with the same identity, training continues from there. */
  readonly directory: string;
  /** What identifies the training, beside the seed: checkpoints of anything else are refused. */
  readonly identity: Json;
  readonly checkpointEvery?: number;
  /** See `TrainingOptions`. */
  readonly keptCheckpoints?: number;
  readonly onRecord?: TrainingOptions['onRecord'];
  readonly evaluation?: Evaluation;
  readonly output?: ProgressOutput;
}

export interface Trained {
  readonly result: TrainingResult;
  /** What trained, averaged where the recipe says so; null when the training was interrupted. */
  readonly weights: Record<string, HostTensor> | null;
}

/**
 * Steps after which something happens: what one call of the engine runs must divide each. Those of the checkpoints that there are, too:
 * the run goes on from one, and how often things happened before is no part of what identifies a training.
 */
export const stepCounts = (
  { steps }: Pick<Recipe, 'steps'>,
  { evaluation, checkpointEvery, directory }: Pick<RecipeTraining, 'evaluation' | 'checkpointEvery' | 'directory'>,
): number[] => [
  steps,
  ...checkpointSteps(checkpointFolder(directory)),
  ...(evaluation === undefined ? [] : [evaluation.every]),
  ...(checkpointEvery === undefined ? [] : [checkpointEvery]),
];

/** Trains by a recipe what a step updates. @throws TrainingError, and what the evaluation throws */
export async function trainByRecipe(
  training: RecipeTraining,
  {
    compile,
    recipe,
    start,
    batches,
  }: {
    compile(): Promise<TrainStep & Pick<CompiledFunction, 'release'>>;
    recipe: Pick<Recipe, 'steps' | 'learningRate' | 'warmup' | 'schedule' | 'ema' | 'accumulation'>;
    /** Values before the first step; asked for when the step is compiled, as are the batches. */
    start(): Record<string, HostTensor>;
    batches(): BatchSource;
  },
): Promise<Trained> {
  const { name, seed, directory, identity, checkpointEvery, keptCheckpoints, onRecord, evaluation, output } = training;
  const step = await compile();
  try {
    const result = await runTraining({
      name,
      step,
      initialState: () => initialTrainState(start(), { ema: recipe.ema !== null, accumulation: recipe.accumulation ?? 1 }),
      batches: batches(),
      totalSteps: recipe.steps,
      learningRate: learningRateOf(recipe),
      seed,
      config: identity,
      directory,
      ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      ...(keptCheckpoints === undefined ? {} : { keptCheckpoints }),
      ...(onRecord === undefined ? {} : { onRecord }),
      ...(evaluation === undefined ? {} : { evaluation }),
      ...(output === undefined ? {} : { output }),
    });
    const kept = recipe.ema === null ? 'p' : 'ema';
    return { result, weights: result.status === 'finished' ? stateTensors(result.state, kept) : null };
  } finally {
    await step.release();
  }
}
