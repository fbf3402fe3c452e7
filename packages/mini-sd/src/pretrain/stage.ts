import path from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import type { Json } from '@controllab/data';
import { initialize, parameterSpecs, withParameters, type Module, type Weights } from '@controllab/core-blocks';
import type { HostTensor, NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';
import {
  compileTrainStep,
  initialTrainState,
  learningRateOf,
  runTraining,
  startBatchWorker,
  stateTensors,
  type LearningRate,
  type TrainingResult,
} from '@controllab/training';
import type { ProgressOutput } from '@controllab/report';
import type { Tier } from '@controllab/emoji-scenes';
import type { Part } from '../weights.ts';

/** What every pretraining stage takes. */
export interface StageOptions {
  /** Where checkpoints and logs go: a stage that is called again continues from there. */
  directory: string;
  /** Pool of objects: every tier has recipes and weights of its own. */
  tier: Tier;
  seed: number;
  output?: ProgressOutput;
}

/** How a network is trained; stored beside its weights. */
export interface Recipe {
  batchSize: number;
  totalSteps: number;
  /** Highest learning rate. */
  peak: number;
  warmup: number;
  /** Decay of the averaged weights, which are then the ones that are kept. */
  ema?: number;
  weightDecay?: number;
}

export interface StageDefinition {
  part: Part;
  recipe: Recipe;
  /** What identifies the run beside the seed: with anything else, its checkpoints are refused. */
  identity: Json;
  /** The network that is trained, under the prefix that its weights carry. */
  module: Module;
  prefix?: string;
  /** Parameters that do not start at random, by name; what they are belongs to the identity. */
  start?: Record<string, HostTensor>;
  /** Frozen weights that the loss reads. */
  constants?: Weights;
  inputs: Record<string, TensorSpec>;
  /** The loss, with the network's parameters bound. */
  loss(inputs: NamedTensors, constants: NamedTensors): { loss: tf.Scalar; aux?: NamedTensors };
  /** Module of the batches, and what it is given. */
  batches: { module: URL; data: unknown };
  /** Default: the `cosine` of {@link learningRateOf}. */
  learningRate?: LearningRate;
  stepsPerRun: number;
  checkpointEvery: number;
}

export interface TrainedStage {
  result: TrainingResult;
  /** The weights to keep; null when the run was interrupted. */
  weights: Record<string, HostTensor> | null;
  /** Multiply-accumulates of one step. */
  macsPerStep: number;
}

/** Trains one part of the embedded default: compiled step, batches from a worker, checkpoints, log. */
export async function trainStage(
  definition: StageDefinition,
  { directory, seed, output }: Omit<StageOptions, 'tier'>,
): Promise<TrainedStage> {
  const { part, recipe, module, prefix = '', start = {}, constants = {}, inputs, loss, batches } = definition;
  const { totalSteps, peak, warmup, ema, weightDecay } = recipe;
  const modules = { [prefix]: module };
  const step = await compileTrainStep(
    {
      name: part,
      trainable: parameterSpecs(modules),
      constants,
      inputs,
      ...(ema === undefined ? {} : { ema }),
      ...(weightDecay === undefined ? {} : { optimizer: { weightDecay } }),
      loss: ({ params, constants: frozen, inputs: fed }) => withParameters(modules, params, () => loss(fed, frozen)),
    },
    { stepsPerRun: definition.stepsPerRun },
  );
  try {
    const result = await runTraining({
      name: part,
      step,
      initialState: () => initialTrainState({ ...initialize(module, seed, prefix), ...start }, { ema: ema !== undefined }),
      batches: startBatchWorker(batches),
      totalSteps,
      learningRate: definition.learningRate ?? learningRateOf({ learningRate: peak, warmup, schedule: 'cosine', steps: totalSteps }),
      seed,
      config: definition.identity,
      directory: path.join(directory, part),
      checkpointEvery: definition.checkpointEvery,
      ...(output === undefined ? {} : { output }),
    });
    return {
      result,
      weights: result.status === 'finished' ? stateTensors(result.state, ema === undefined ? 'p' : 'ema') : null,
      macsPerStep: step.cost?.macs ?? NaN,
    };
  } finally {
    await step.release();
  }
}
