import type { Base } from '@controllab/base-model';
import type { Control } from '@controllab/core-blocks';
import type { ControlTraining } from '@controllab/training';

/** A control network on a base, as training takes it. */
export const onBase = (base: Base, control: Control): Pick<ControlTraining, 'model' | 'tokenizer' | 'schedule' | 'prediction'> => ({
  model: { denoiser: base.denoiser({ extraInputs: control.extraInputs }), text: base.textEncoder(), weights: base.weights, control },
  tokenizer: base.tokenizer,
  schedule: base.schedule.config,
  prediction: base.prediction,
});
