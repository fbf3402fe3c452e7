import { externalStateDict, openWeights } from '@controllab/core-blocks';
import { compile, type CompileOptions, type ConstantTensor } from '@controllab/tfjs-onnx';
import { exampleInputs, type Target } from '../full-size/target.ts';
import { poolWeights, type WeightPool } from '../full-size/weight-pool.ts';
import { peakMemory } from '../runner/child-job.ts';
import type { TimedId } from './design.ts';
import { stepOf } from './step.ts';

/** One method to be timed in a process of its own. */
export interface StepTiming {
  target: Target;
  method: TimedId;
  pool: WeightPool;
  /** Directory of the U-Net's own weights; null: random ones. */
  unet: string | null;
  warmUp: number;
  steps: number;
  options: CompileOptions;
}

export interface Timing {
  /** Of each step. */
  seconds: number[];
  /** From the function to a session that is ready: tracing, lowering, and ONNX Runtime's loading and packing of the weights. */
  startSeconds: number;
  /** The most memory that the process held; null where the system does not tell. */
  peakBytes: number | null;
  /** Mean square of the prediction: what another implementation of the network must give too. */
  meanSquare: number;
}

/** Compiles a method as one graph, with its weights as constants, and times its steps. */
export async function timeMethod({ target, method: id, pool, unet: directory, warmUp, steps, options }: StepTiming): Promise<Timing> {
  const { label, modules, inputs: specs, run } = stepOf(target, id);
  const weights: Record<string, Record<string, ConstantTensor>> = {
    unet: directory === null ? poolWeights(modules.unet, pool) : externalStateDict(modules.unet, openWeights(directory)),
    ...(modules.control ? { control: poolWeights(modules.control, pool) } : {}),
  };
  const constants = Object.fromEntries(
    Object.entries(weights).flatMap(([prefix, tensors]) => Object.entries(tensors).map(([name, tensor]) => [`${prefix}.${name}`, tensor])),
  );

  const start = performance.now();
  const compiled = await compile(run, { inputs: specs, constants }, { ...options, name: label });
  const startSeconds = (performance.now() - start) / 1000;

  const inputs = exampleInputs(specs);
  const seconds: number[] = [];
  let meanSquare = 0;
  for (let i = 0; i < warmUp + steps; i++) {
    const before = performance.now();
    const { prediction } = await compiled.run(inputs);
    seconds.push((performance.now() - before) / 1000);
    const data = prediction!.data as Float32Array;
    meanSquare = data.reduce((sum, x) => sum + x * x, 0) / data.length;
  }
  await compiled.release();
  if (!Number.isFinite(meanSquare)) throw new Error(`${label}: the prediction is not finite, so its time says little`);
  return { seconds: seconds.slice(warmUp), startSeconds, peakBytes: peakMemory(), meanSquare };
}
