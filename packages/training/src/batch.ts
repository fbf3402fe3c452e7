import type { HostTensor } from '@controllab/tfjs-onnx';
import { TrainingError } from './errors.ts';

/** What one training step is fed, apart from the optimizer's scalars. */
export interface StepBatch {
  inputs: Record<string, HostTensor>;
  /** Which samples of the data set these are: counted for samples/s, named when a loss is not finite. */
  indices: readonly number[];
}

/** Makes the batch of a step. A resumed run repeats an uninterrupted one because the batch depends on nothing but the step (and a seed). */
export type MakeBatch = (step: number) => StepBatch | Promise<StepBatch>;

/** The batches of K consecutive steps: inputs as they are for K = 1, stacked to [K, ...] otherwise. */
export interface Batch {
  inputs: Record<string, HostTensor>;
  /** By step. */
  indices: readonly (readonly number[])[];
}

export interface BatchSource {
  /** The batch of steps [step, step + steps). `until`: the end of the run, beyond which nothing need be prepared. */
  next(step: number, steps: number, until: number): Promise<Batch>;
  close(): Promise<void>;
}

/** Makes the batch of steps [step, step + steps); K > 1 steps are stacked along a new first axis. */
export async function makeBatches(make: MakeBatch, step: number, steps: number): Promise<Batch> {
  const parts: StepBatch[] = [];
  for (let k = 0; k < steps; k++) parts.push(await make(step + k));
  for (const [k, part] of parts.entries()) {
    for (const [name, { data, shape }] of Object.entries(part.inputs)) {
      const size = shape.reduce((a, b) => a * b, 1);
      if (data.length !== size) {
        throw new TrainingError(
          'batch-failed',
          `Error in the batch of step ${step + k}: input ${name} has ${data.length} values for shape [${shape}]${
            data.buffer.byteLength === 0 ? ' (its buffer was handed over with an earlier batch: make new arrays for each step)' : ''
          }`,
          { step: step + k, input: name, shape, length: data.length },
        );
      }
    }
  }
  const indices = parts.map((part) => part.indices);
  const first = parts[0]!;
  if (steps === 1) return { inputs: first.inputs, indices };
  return {
    indices,
    inputs: Object.fromEntries(
      Object.entries(first.inputs).map(([name, { data, shape }]) => {
        const stacked = new (data.constructor as Float32ArrayConstructor)(data.length * steps);
        for (const [k, part] of parts.entries()) {
          const tensor = part.inputs[name];
          if (tensor === undefined || tensor.shape.join() !== shape.join()) {
            throw new TrainingError(
              'batch-failed',
              `Error in the batch of step ${step + k}: expected input ${name} of shape [${shape}] as at step ${step}, got ${tensor ? `[${tensor.shape}]` : 'none'}`,
              { step: step + k, input: name },
            );
          }
          stacked.set(tensor.data, k * data.length);
        }
        return [name, { data: stacked, shape: [steps, ...shape] }];
      }),
    ),
  };
}

/** Batches made on the calling thread: for tests and for batches that cost nothing. */
export function localBatches(make: MakeBatch): BatchSource {
  return { next: (step, steps) => makeBatches(make, step, steps), close: async () => {} };
}
