import * as tf from '@tensorflow/tfjs';
import { initialize, parameterSpecs, withParameters, type Module } from '@controllab/core-blocks';
import { trainableNames } from '@controllab/controlnext';
import { constantRate, compileTrainStep, initialTrainState, optimizerInputs } from '@controllab/training';
import type { ConstantTensor, HostTensor, TensorSpec } from '@controllab/tfjs-onnx';
import { exampleInputs, familyOf, inputsOf, methodOf, type Target } from '../full-size/target.ts';
import { poolWeights, type WeightPool } from '../full-size/weight-pool.ts';
import { peakMemory } from '../runner/child-job.ts';
import type { TrainedMethod } from './options.ts';

/** A few training steps of one method, in a process of their own. */
export interface TrainingJob {
  target: Target;
  method: TrainedMethod;
  pool: WeightPool;
  steps: number;
  threads: number;
}

export interface TrainingTiming {
  /** Numbers that the optimizer changes: of the control network, and of the U-Net where the method trains some of it. */
  trainable: number;
  frozen: number;
  /** Multiply-accumulates of a step: forward, backward and AdamW. */
  macs: number;
  /** Tracing, lowering, and ONNX Runtime's loading of the frozen weights. */
  startSeconds: number;
  /** Of each step, and its loss before the update. */
  seconds: number[];
  losses: number[];
  peakBytes: number | null;
}

const SEED = 1;
/** ControlNet's learning rate (paper, section 3.4: that of Stable Diffusion's training scripts). */
const LEARNING_RATE = 1e-5;

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const countOf = (specs: Record<string, TensorSpec>): number => Object.values(specs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Parameters of the U-Net that stay as they are, and random values for those that train. */
function splitUNet(
  unet: Module,
  pattern: RegExp | null,
  pool: WeightPool,
): { frozen: Record<string, ConstantTensor>; trained: Record<string, HostTensor> } {
  const selected = new Set(pattern === null ? [] : trainableNames(Object.keys(parameterSpecs(unet)), pattern));
  const named = <T>(tensors: Record<string, T>, keep: (name: string) => boolean): Record<string, T> =>
    Object.fromEntries(Object.entries(tensors).flatMap(([name, tensor]) => (keep(name) ? [[`unet.${name}`, tensor]] : [])));
  const random = selected.size === 0 ? {} : initialize(unet, SEED);
  return { frozen: named(poolWeights(unet, pool), (name) => !selected.has(name)), trained: named(random, (name) => selected.has(name)) };
}

/**
 * Trains a method for a few steps at batch 1 on one batch of noise: the frozen U-Net as constants used in place, what trains and AdamW's
 * two moments as state, one compiled graph. Values are random, but the network, the gradients and the optimizer are those of real training.
 */
export async function trainMethod({ target, method: id, pool, steps, threads }: TrainingJob): Promise<TrainingTiming> {
  const family = familyOf(target);
  const method = methodOf(family, id)!;
  const modules = { unet: family.unet, control: method.control };
  const { frozen, trained } = splitUNet(family.unet, method.trainable, pool);
  const control = parameterSpecs({ control: method.control });
  const trainable = { ...control, ...Object.fromEntries(Object.entries(trained).map(([name, { shape }]) => [name, { shape }])) };
  const specs = inputsOf(family, target, id);
  const inputs = { ...specs, target: { shape: specs['sample']!.shape } };

  const start = performance.now();
  const step = await compileTrainStep(
    {
      name: `${family.label}, ${method.label}`,
      trainable,
      constants: frozen,
      inputs,
      optimizer: { weightDecay: 0.01 },
      loss: ({ params, constants, inputs: fed }) =>
        withParameters(modules, { ...constants, ...params }, () => ({
          loss: tf.mean(tf.squaredDifference(family.predict(fed, method.run(fed)), fed['target']!)) as tf.Scalar,
        })),
    },
    { threads },
  );
  const startSeconds = (performance.now() - start) / 1000;
  // Nothing else holds the first state: its memory is free after the first step.
  step.state = initialTrainState({ ...initialize(method.control, SEED, 'control'), ...trained });

  const batch = exampleInputs(inputs);
  const [seconds, losses]: [number[], number[]] = [[], []];
  for (let i = 0; i < steps; i++) {
    const before = performance.now();
    const { loss } = await step.run({ ...batch, ...optimizerInputs(step.optimizer, constantRate({ peak: LEARNING_RATE }), i, 1) });
    seconds.push((performance.now() - before) / 1000);
    losses.push(loss!.data[0]!);
  }
  const counts = {
    trainable: countOf(trainable),
    frozen: countOf(parameterSpecs(modules)) - countOf(trainable),
    macs: step.cost?.macs ?? NaN,
  };
  await step.release();
  if (!losses.every(Number.isFinite)) throw new Error(`the loss is not finite: ${losses.join(', ')}`);
  return { ...counts, startSeconds, seconds, losses, peakBytes: peakMemory() };
}
