import type { ProgressOutput } from '@controllab/training';

/** What every pretraining stage takes. */
export interface StageOptions {
  /** Where checkpoints and logs go: a stage that is called again continues from there. */
  directory: string;
  seed: number;
  output?: ProgressOutput;
}
