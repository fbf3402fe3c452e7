import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Batch } from './batch.ts';
import type { Checkpoint } from './checkpoint.ts';
import { TrainingError } from './errors.ts';
import type { EvaluationValues } from './run-training.ts';

/** Counts of steps, by name. @throws TrainingError invalid-options for one that is no positive multiple of what a call runs */
export function checkMultiples({ stepsPerRun, ...counts }: { stepsPerRun: number } & Record<string, number | undefined>): void {
  for (const [name, count] of Object.entries({ stepsPerRun, ...counts })) {
    if (count === undefined) continue;
    if (!Number.isInteger(count) || count < 1)
      throw new TrainingError('invalid-options', `Error in runTraining: expected ${name} to be a positive integer, got ${count}`, {
        [name]: count,
      });
    if (count % stepsPerRun !== 0)
      throw new TrainingError(
        'invalid-options',
        `Error in runTraining: expected ${name} to be a multiple of stepsPerRun (${stepsPerRun}), got ${count}`,
        { [name]: count, stepsPerRun },
      );
  }
}

/** From elsewhere the loop would pass evaluations, checkpoints and its own end. @throws TrainingError invalid-options */
export function checkStep({ file, step }: Pick<Checkpoint, 'file' | 'step'>, stepsPerRun: number, totalSteps: number): void {
  if (step > totalSteps)
    throw new TrainingError(
      'invalid-options',
      `${file} lies behind the last step, ${totalSteps}: name another directory, or remove it to go on from an earlier one`,
      { file, step, totalSteps },
    );
  if (step % stepsPerRun !== 0)
    throw new TrainingError(
      'invalid-options',
      `Error in runTraining: expected the step of ${file} to be a multiple of stepsPerRun (${stepsPerRun}), got ${step}; compile the step for a divisor of both`,
      { file, step, stepsPerRun },
    );
}

/** @throws TrainingError state-differs where names or shapes of a checkpoint's state are not those of the step's */
export function checkState(file: string, expected: Record<string, HostTensor>, got: Record<string, HostTensor>): void {
  const differences = [...new Set([...Object.keys(expected), ...Object.keys(got)])].filter(
    (name) => expected[name]?.shape.join() !== got[name]?.shape.join(),
  );
  if (differences.length === 0) return;
  const show = (tensor: HostTensor | undefined) => (tensor === undefined ? 'absent' : `[${tensor.shape}]`);
  throw new TrainingError(
    'state-differs',
    `${file} does not fit this training step (checkpoint -> now): ${differences
      .slice(0, 12)
      .map((name) => `${name}: ${show(got[name])} -> ${show(expected[name])}`)
      .join('; ')}${differences.length > 12 ? `; and ${differences.length - 12} more` : ''}`,
    { file, differences },
  );
}

/** Where one can go back to: the last checkpoint of finite values, if there is one. */
const wayBack = (checkpoint: string | undefined) =>
  checkpoint === undefined ? 'no checkpoint was written before it' : `the last finite checkpoint is ${checkpoint}`;

/**
 * The losses of one call, of the steps that follow `firstStep`.
 * @param checkpoint here and below, what the message names as the way back
 * @throws TrainingError non-finite at the first that is not, invalid-options where they are not one a step
 */
export function checkLosses(
  name: string,
  firstStep: number,
  loss: HostTensor | undefined,
  batch: Batch,
  checkpoint: string | undefined,
): number[] {
  if (loss?.data.length !== batch.indices.length) {
    throw new TrainingError(
      'invalid-options',
      `Error in runTraining: expected the step of ${name} to return ${batch.indices.length} values as 'loss', got ${loss ? `shape [${loss.shape}]` : 'none'}`,
      { shape: loss?.shape ?? null },
    );
  }
  const bad = loss.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const indices = batch.indices[bad]!;
    throw new TrainingError(
      'non-finite',
      `The loss of ${name} is ${loss.data[bad]} at step ${firstStep + bad + 1}, on samples ${indices.join(', ')}; ${wayBack(checkpoint)}. A smaller learning rate or a longer warm-up usually helps.`,
      { step: firstStep + bad + 1, loss: loss.data[bad], indices, checkpoint: checkpoint ?? null },
    );
  }
  return Array.from(loss.data);
}

/** Finite weights can be so large that nothing finite is measured of them. @throws TrainingError non-finite */
export function checkMeasured(name: string, step: number, values: EvaluationValues, checkpoint: string | undefined): void {
  const key = Object.keys(values).find((one) => [values[one]].flat().some((value) => typeof value === 'number' && !Number.isFinite(value)));
  if (key !== undefined)
    throw new TrainingError(
      'non-finite',
      `What is measured of ${name} after step ${step} is not finite, first ${key}; ${wayBack(checkpoint)}. A smaller learning rate or a longer warm-up usually helps.`,
      { step, key, checkpoint: checkpoint ?? null },
    );
}

/** A finite loss can still leave a broken update behind: never let one replace a good checkpoint. @throws TrainingError non-finite */
export function checkFinite(name: string, step: number, state: Record<string, HostTensor>, checkpoint: string | undefined): void {
  for (const [tensor, { data }] of Object.entries(state)) {
    let sum = 0; // one NaN or infinity makes the sum one; finite float32 cannot overflow a double
    for (let i = 0; i < data.length; i++) sum += data[i]!;
    if (!Number.isFinite(sum)) {
      throw new TrainingError(
        'non-finite',
        `The state of ${name} holds values that are not finite after step ${step}, first in ${tensor}; it was not saved, and ${wayBack(checkpoint)}.`,
        { step, tensor, checkpoint: checkpoint ?? null },
      );
    }
  }
}
