import { plainJson, type Json } from '@controllab/data';
import type { ConditionId } from '../../conditions.ts';
import { methodOf } from '../../experiment.ts';
import { openLoss, type HeldOutLoss, type LossPlan } from './held-out-loss.ts';
import { controlOf, labelOf, storedTraining, weightsOf, type Setting, type TrainingKey } from '../training/train.ts';

/** Raised with every change of code that alters the values. */
const REVISION = 1;

/**
 * The loss of a trained control on scenes that it was not trained on, or of the base alone (`training` null): stored, or taken now. Scenes,
 * timesteps and noise are the same for all that is compared: differences between trainings are paired.
 */
export async function heldOutLoss(
  setting: Setting,
  { training, condition, plan }: { training: TrainingKey | null; condition: ConditionId; plan: LossPlan },
): Promise<HeldOutLoss> {
  const { at } = setting;
  const { base } = setting.on(training?.arm);
  const stored = training === null ? null : await storedTraining(setting, training);
  const identity: Json = {
    revision: REVISION,
    base: base.hash,
    training: stored?.hash ?? null,
    condition: training === null ? null : condition,
    scenes: plan.scenes.hash,
    timesteps: [...plan.timesteps],
    numerics: plainJson(at.numerics),
  };
  const { value } = await at.store.cell<HeldOutLoss>('held-out-loss', identity, async () => {
    at.say(`held-out loss: ${training === null ? 'base model, no control' : labelOf(training)}`);
    const loss = await openLoss(
      { at, base },
      { control: training === null ? null : controlOf({ base }, methodOf(training.arm)), condition, plan },
    );
    try {
      return { value: loss.of(await loss.predict(stored === null ? {} : weightsOf(stored))) };
    } finally {
      await loss.release();
    }
  });
  return value;
}
