import type { JobContext } from '../../runner/job.ts';
import { BASE, isCodeModel, untilNow, type Arm, type Experiment, type LossScenes, type LossSize, type Profile } from '../experiment.ts';
import { trainedPlan } from './drawing/evaluation-set.ts';
import type { HeldOutLoss, LossPlan } from './judging/held-out-loss.ts';
import { heldOutLoss } from './judging/stored-loss.ts';
import { dataOf, type Setting, type TrainingKey } from './training/train.ts';
import { seedsOf, trainingsOf } from './training/trainings.ts';

/** The loss of a trained control and that of the base model alone, on the same scenes. */
export interface LossPair {
  readonly control: HeldOutLoss;
  readonly base: HeldOutLoss;
}

/** By condition, arm and seed. */
export type LossesOfArms<Loss> = Readonly<Record<string, Readonly<Record<string, readonly Loss[]>>>>;

/** Trainings that have a loss of denoising: a model of its own has none. */
const denoisersOf = (experiment: Experiment, at: JobContext<Profile>): ReturnType<typeof trainingsOf> =>
  trainingsOf(experiment, at).filter(({ key }) => !isCodeModel(key.arm.method));

/** Held-out scenes of what an arm is trained on. */
export const planOn = (setting: Setting, size: LossSize, arm: Arm): Promise<LossPlan> => setting.on(arm).loss(size);

/** Losses on held-out scenes, the base model alone under `BASE`; null where the profile takes none. */
export async function measureHeldOut(setting: Setting, experiment: Experiment): Promise<LossesOfArms<HeldOutLoss> | null> {
  const { at } = setting;
  if (at.profile.heldOut === undefined) return null;
  const plan = await setting.loss(at.profile.heldOut);
  const losses: Record<string, Record<string, HeldOutLoss[]>> = {};
  for (const condition of at.profile.conditions) {
    const alone = await heldOutLoss(setting, { training: null, condition, plan });
    losses[condition] = { [BASE]: seedsOf(at).map(() => alone) };
  }
  for (const { panel, key } of denoisersOf(experiment, at))
    (losses[panel]![key.arm.id] ??= []).push(
      await heldOutLoss(setting, { training: key, condition: key.condition, plan: await planOn(setting, at.profile.heldOut, key.arm) }),
    );
  return losses;
}

/** Losses of a training on scenes of a kind that the profile asks for beside. */
export async function lossPair(setting: Setting, key: TrainingKey, on: LossScenes): Promise<LossPair> {
  const { at } = setting;
  const ground = setting.on(key.arm);
  const { loss } = ground;
  const size = at.profile.heldOut!;
  const plan: LossPlan =
    on === 'trained'
      ? await trainedPlan(size, { dataset: dataOf(ground, key.arm), recipe: untilNow(at.profile, key.arm), seed: key.seed })
      : await loss(size, on);
  const { condition } = key;
  return {
    control: await heldOutLoss(setting, { training: key, condition, plan }),
    base: await heldOutLoss(setting, { training: null, condition, plan }),
  };
}

/** The same of all trainings that denoise, by kind of scenes. */
export async function measureLossOn(
  setting: Setting,
  experiment: Experiment,
): Promise<Partial<Record<LossScenes, LossesOfArms<LossPair>>>> {
  const taken: Partial<Record<LossScenes, Record<string, Record<string, LossPair[]>>>> = {};
  for (const on of setting.at.profile.heldOut?.alsoOn ?? [])
    for (const { panel, key } of denoisersOf(experiment, setting.at)) {
      const ofArms = ((taken[on] ??= {})[panel] ??= {});
      (ofArms[key.arm.id] ??= []).push(await lossPair(setting, key, on));
    }
  return taken;
}
