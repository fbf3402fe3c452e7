import { TrainingError } from '@controllab/training';
import type { Stored } from '../../../runner/store.ts';
import { labelOf, storedTraining, trainingIdentity, type Setting, type TrainingKey, type TrainingValue } from './train.ts';

/** A training whose loss or weights were no longer finite: of which arm, as it is named, and when that was. */
export interface FailedTraining {
  readonly arm: string;
  readonly label: string;
  readonly step: number;
}

/** The kind of cells of trainings that are no longer finite. */
const FAILED = 'failed-training';

/** Whether the store knows that a training failed. */
export const hasFailed = (setting: Setting, key: TrainingKey): boolean => setting.at.store.has(FAILED, trainingIdentity(setting, key));

/**
 * A training, or when it failed. One that is no longer finite is so each time it is computed: it is kept as failed, and its arm left out,
 * where the report of all others would wait for it for ever.
 */
export async function trainedOrFailed(setting: Setting, key: TrainingKey): Promise<Stored<TrainingValue> | FailedTraining> {
  const { store, say } = setting.at;
  let step = 0;
  const before = key.arm.from === undefined ? null : { ...key, arm: key.arm.from };
  // What goes on from one that failed has failed with it: nothing is computed again to find that out.
  if (before !== null && hasFailed(setting, before)) step = ((await trainedOrFailed(setting, before)) as FailedTraining).step;
  else if (!hasFailed(setting, key)) {
    try {
      return await storedTraining(setting, key);
    } catch (error) {
      if (!(error instanceof TrainingError) || error.code !== 'non-finite') throw error;
      step = error.values['step'] as number;
      say(`${error.message} The report leaves its arm out.`);
    }
  }
  const kept = await store.cell(FAILED, trainingIdentity(setting, key), async () => ({ value: step }));
  return { arm: key.arm.id, label: labelOf(key), step: kept.value };
}
