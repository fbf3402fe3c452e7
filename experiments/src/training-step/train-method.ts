import { initialize, parameterSpecs } from '@controllab/core-blocks';
import { compileTrainStep, constantRate, denoisingStep, initialTrainState, optimizerInputs, trainedInBase } from '@controllab/training';
import type { CompileOptions, TensorSpec } from '@controllab/tfjs-onnx';
import { METHODS } from '../full-size/methods.ts';
import { architectureOf, denoiserOf, exampleInputs, type Target } from '../full-size/target.ts';
import { poolWeights, type WeightPool } from '../full-size/weight-pool.ts';
import { peakMemory } from '../runner/child-job.ts';
import type { TrainedMethod } from './options.ts';

/** A few training steps of one method, in a process of their own. */
export interface TrainingJob {
  target: Target;
  method: TrainedMethod;
  pool: WeightPool;
  steps: number;
  engine: CompileOptions;
  recompute: boolean;
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

/**
 * Trains a method for a few steps at batch 1 on one batch of noise: the frozen U-Net as constants used in place, what trains and AdamW's
 * two moments as state, one compiled graph. Values are random, but the network, the gradients and the optimizer are those of real training.
 */
export async function trainMethod({ target, method: id, pool, steps, engine, recompute }: TrainingJob): Promise<TrainingTiming> {
  const denoiser = denoiserOf(target);
  const control = METHODS[id].create(denoiser.target);
  const weights = Object.fromEntries(Object.entries(poolWeights(denoiser.unet, pool)).map(([plain, t]) => [`unet.${plain}`, t]));
  const model = { denoiser, text: null, weights, control };
  const name = `${architectureOf(target).label}, ${METHODS[id].label}`;
  const definition = denoisingStep(model, { batchSize: 1, weightDecay: 0.01, ema: null }, { name, recompute });
  const inBase = new Set(trainedInBase(model));
  const random = inBase.size === 0 ? {} : initialize(denoiser.unet, SEED, 'unet');
  const trained = Object.fromEntries(Object.entries(random).filter(([full]) => inBase.has(full)));

  const start = performance.now();
  const step = await compileTrainStep(definition, engine);
  const startSeconds = (performance.now() - start) / 1000;
  // Nothing else holds the first state: its memory is free after the first step.
  step.state = initialTrainState({ ...initialize(control.module, SEED, 'control'), ...trained });

  const batch = exampleInputs(definition.inputs);
  const [seconds, losses]: [number[], number[]] = [[], []];
  for (let i = 0; i < steps; i++) {
    const before = performance.now();
    const { loss } = await step.run({ ...batch, ...optimizerInputs(step.optimizer, constantRate({ peak: LEARNING_RATE }), i, 1) });
    seconds.push((performance.now() - before) / 1000);
    losses.push(loss!.data[0]!);
  }
  const counts = {
    trainable: countOf(definition.trainable),
    frozen: countOf(parameterSpecs({ unet: denoiser.unet, control: control.module })) - countOf(definition.trainable),
    macs: step.cost?.macs ?? NaN,
  };
  await step.release();
  if (!losses.every(Number.isFinite)) throw new Error(`the loss is not finite: ${losses.join(', ')}`);
  return { ...counts, startSeconds, seconds, losses, peakBytes: peakMemory() };
}
