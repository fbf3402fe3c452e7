import type { Base } from '@controllab/base-model';
import type { RgbImage } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix, type Style, type Tier } from '@controllab/emoji-scenes';
import { COMMITTED_TIER, openBase, openJudges, styleOf, type Judges } from '@controllab/mini-sd';
import type { JobContext, Task } from '../runner/job.ts';
import type { Numerics } from '../runner/numerics.ts';
import type { Stored } from '../runner/store.ts';
import type { ConditionId } from './conditions.ts';
import { drawnFor, storedDrawings } from './compute/draw.ts';
import { evaluationSet, lossPlan, referenceSet, trainedPlan, type EvaluationSet } from './compute/evaluation-set.ts';
import type { HeldOutLoss, LossPlan } from './compute/held-out-loss.ts';
import { heldOutLoss } from './compute/stored-loss.ts';
import {
  armsOf,
  BASE,
  drawingsOf,
  seedsOfArm,
  untilNow,
  type Arm,
  type Drawing,
  type Experiment,
  type LossScenes,
  type LossSize,
  type Profile,
} from './experiment.ts';
import { trainingCost } from './compute/cost.ts';
import { storedMeasures, type Values } from './compute/judge.ts';
import { startDifference, type StartDifference } from './compute/start.ts';
import {
  labelOf,
  storedTraining,
  trainingIdentity,
  type Ground,
  type Setting,
  type TrainingKey,
  type TrainingValue,
} from './compute/train.ts';

/** One drawing under one prompt setting, from one seed, held against one condition. */
export interface Cell {
  readonly images: readonly RgbImage[];
  readonly measures: Readonly<Record<string, Values>>;
}

/** The loss of a trained control and that of the base model alone, on the same scenes. */
export interface LossPair {
  readonly control: HeldOutLoss;
  readonly base: HeldOutLoss;
}

/** What is known of a base beside what is trained and drawn on it. */
export interface GroundResults {
  readonly base: Base;
  /** Scenes that pictures are drawn for, in the order of the seeds: one and the same, or each seed's own. */
  readonly scenes: readonly EvaluationSet[];
  /** What these scenes themselves score, by condition. */
  readonly real: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

/** Everything an experiment computed: what its report is a pure function of. */
export interface Results {
  readonly profile: Profile;
  readonly seeds: readonly number[];
  /** Those whose pictures follow a training. */
  readonly followed: EvaluationSet;
  /** By the name of the base: the profile's, and those of arms and drawings. */
  readonly grounds: Readonly<Record<string, GroundResults>>;
  readonly dataset: { readonly id: string; readonly hash: string };
  readonly drawings: readonly Drawing[];
  /** By condition and arm, in the order of the seeds. */
  readonly trainings: Readonly<Record<string, Readonly<Record<string, readonly Stored<TrainingValue>[]>>>>;
  /** By condition, drawing and prompt setting, in the order of the seeds. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly Cell[]>>>>>>;
  /** By condition, arm (or `BASE`) and seed; null where the profile takes none. */
  readonly heldOut: Readonly<Record<string, Readonly<Record<string, readonly HeldOutLoss[]>>>> | null;
  /** What the profile takes losses on beside: by kind of scenes, condition, arm and seed. */
  readonly lossOn: Readonly<Partial<Record<LossScenes, Readonly<Record<string, Readonly<Record<string, readonly LossPair[]>>>>>>>;
  /** By arm, of those whose experiment asks for it: how far it moves the base model before training. */
  readonly start: Readonly<Record<string, StartDifference>>;
  /** Multiply-accumulates of a training step by arm, of an experiment that asks for them. */
  readonly costs: Readonly<Record<string, number>>;
  readonly judges: Readonly<Record<string, string>>;
  readonly numerics: Numerics;
}

export const seedsOf = ({ profile, seed }: Pick<JobContext<Profile>, 'profile' | 'seed'>): number[] =>
  Array.from({ length: profile.seeds }, (_, i) => seed + i);

/** Each training with the condition of the panel that it stands in. */
const trainingsOf = (experiment: Experiment, at: JobContext<Profile>): { panel: ConditionId; key: TrainingKey }[] =>
  at.profile.conditions.flatMap((panel) =>
    seedsOf(at).flatMap((seed) =>
      armsOf(experiment, at.profile)
        .filter((arm) => seedsOfArm(arm, seedsOf(at)).includes(seed))
        .map((arm) => ({ panel, key: { arm, condition: arm.condition ?? panel, seed } })),
    ),
  );

/** The bases that an experiment trains or draws on, the profile's first. */
const basesOf = (experiment: Experiment, profile: Profile): string[] => {
  const trained = (arm: Arm): (string | undefined)[] => [arm.base, ...(arm.from === undefined ? [] : trained(arm.from))];
  const others = [...armsOf(experiment, profile).flatMap(trained), ...drawingsOf(experiment, profile).map(({ base }) => base)];
  return [...new Set([profile.base, ...others.filter((base) => base !== undefined)])];
};

const untrainedOf = (experiment: Experiment, profile: Profile): Arm[] =>
  armsOf(experiment, profile).filter(({ id }) => experiment.untrained?.includes(id));

/** The scenes that each seed's pictures are drawn for. */
async function scenesBySeed(tier: Tier, at: JobContext<Profile>, style: Style): Promise<ReadonlyMap<number, EvaluationSet>> {
  const { singles, pairs, ownScenes } = at.profile.drawn;
  const of = (from: number): Promise<EvaluationSet> => evaluationSet(tier, { singles, pairs, from, style });
  const shared = await of(0);
  return new Map(await Promise.all(seedsOf(at).map(async (seed) => [seed, ownScenes ? await of(seed) : shared] as const)));
}

/** @throws what `openBase` throws, naming the base, where it has no weights */
async function openGround(at: JobContext<Profile>, name: string, judges: Judges): Promise<Ground> {
  const tier = COMMITTED_TIER;
  const style = styleOf(name);
  let reference: ReturnType<Ground['reference']> | null = null;
  const features = async (): Promise<Awaited<ReturnType<Ground['reference']>>> => {
    const { examples } = await referenceSet(tier, at.profile.drawn, style);
    return (await judges.inception()).features(examples.map(({ image }) => image.rgb));
  };
  const scenes = await scenesBySeed(tier, at, style);
  return {
    base: await openBase(name),
    // Scenes that the base model was not trained on.
    dataset: await emojiScenes({ tier, seed: SCENE_SEEDS.controlTraining.seed, split: 'train', mix: trainingMix, style }),
    followed: await evaluationSet(tier, { singles: at.profile.follow.images, pairs: 0, style }),
    scenesOf: (seed) => scenes.get(seed)!,
    reference: () => (reference ??= features()),
  };
}

async function openSetting(experiment: Experiment, at: JobContext<Profile>): Promise<Setting & { release(): Promise<void> }> {
  const judges = openJudges(COMMITTED_TIER, at.engine);
  const grounds = new Map<string, Ground>();
  for (const name of basesOf(experiment, at.profile)) grounds.set(name, await openGround(at, name, judges));
  const on = (base = at.profile.base): Ground => grounds.get(base)!;
  return { ...on(), at, judges, on, release: () => judges.release() };
}

/**
 * The parts of an experiment that can be computed by themselves: a training with what is drawn from it alone, and the base model's
 * pictures.
 */
export async function experimentTasks(experiment: Experiment, at: JobContext<Profile>): Promise<Task[]> {
  const setting = await openSetting(experiment, at);
  await setting.release();
  const drawings = drawingsOf(experiment, at.profile);
  const within = async (work: (setting: Setting) => Promise<unknown>): Promise<void> => {
    const opened = await openSetting(experiment, at);
    try {
      await work(opened);
    } finally {
      await opened.release();
    }
  };
  const draw = (opened: Setting, drawing: Drawing, seed: number) =>
    storedDrawings(opened, drawing, experiment.arms, seed, experiment.prompts);
  const trainings = trainingsOf(experiment, at).map(({ key }): Task => {
    const { arm, condition, seed } = key;
    const own = drawings.filter(
      ({ controls }) => controls.length === 1 && controls[0]!.arm === arm.id && controls[0]!.condition === condition,
    );
    return {
      id: `${condition}-${arm.id}-${seed}`,
      label: labelOf(key),
      done: () => at.store.has('training', trainingIdentity(setting, key)),
      run: () =>
        within(async (opened) => {
          await storedTraining(opened, key);
          for (const drawing of own) await draw(opened, drawing, seed);
          if (at.profile.heldOut !== undefined)
            await heldOutLoss(opened, { training: key, condition, plan: await planOn(opened, at.profile.heldOut, arm) });
          for (const on of at.profile.heldOut?.alsoOn ?? []) await lossPair(opened, key, on);
        }),
    };
  });
  // An arm with a condition of its own stands in every panel, and is trained once.
  return [...new Map(trainings.map((task) => [task.id, task])).values()];
}

/** Computes an experiment, or finds it in the store. @throws Interrupted when a signal stopped a training */
export async function computeResults(experiment: Experiment, at: JobContext<Profile>): Promise<Results> {
  const setting = await openSetting(experiment, at);
  const { dataset, judges } = setting;
  const seeds = seedsOf(at);
  const drawings = drawingsOf(experiment, at.profile);
  const nested = <T>(): Record<string, Record<string, T>> => Object.fromEntries(at.profile.conditions.map((condition) => [condition, {}]));
  try {
    const trainings = nested<Stored<TrainingValue>[]>();
    for (const { panel, key } of trainingsOf(experiment, at)) {
      (trainings[panel]![key.arm.id] ??= []).push(await storedTraining(setting, key));
    }
    const cells = nested<Record<string, Cell[]>>();
    for (const drawing of drawings) {
      for (const seed of seedsDrawn(experiment, drawing, seeds)) {
        const drawn = await storedDrawings(setting, drawing, experiment.arms, seed, experiment.prompts);
        for (const condition of drawing.panels) {
          const ofDrawing = (cells[condition]![drawing.id] ??= {});
          for (const [prompt, { hash, images }] of Object.entries(drawn)) {
            const scenes = drawnFor(setting, drawing, seed);
            const { reference } = setting.on(drawing.base);
            const measures = await storedMeasures(setting, experiment.measures, { hash, images, scenes, condition, reference });
            (ofDrawing[prompt] ??= []).push({ images, measures });
          }
        }
      }
    }
    const grounds: Record<string, GroundResults> = {};
    for (const name of basesOf(experiment, at.profile)) {
      const ground = setting.on(name);
      grounds[name] = {
        base: ground.base,
        scenes: seeds.map((seed) => ground.scenesOf(seed)),
        real: await measureReal(setting, experiment, ground),
      };
    }
    const costs: Record<string, number> = {};
    if (experiment.costs) for (const arm of armsOf(experiment, at.profile)) costs[arm.id] = trainingCost(setting, arm);
    const start: Record<string, StartDifference> = {};
    for (const arm of untrainedOf(experiment, at.profile)) start[arm.id] = await startDifference(setting, arm, at.profile.conditions[0]!);
    const { id, hash } = dataset;
    return {
      profile: at.profile,
      seeds,
      followed: setting.followed,
      grounds,
      dataset: { id, hash },
      drawings,
      trainings,
      cells,
      heldOut: await measureHeldOut(setting, experiment),
      lossOn: await measureLossOn(setting, experiment),
      start,
      costs,
      judges: judges.hashes,
      numerics: at.numerics,
    };
  } finally {
    await setting.release();
  }
}

/** What the evaluated scenes themselves score, those of all seeds behind each other. */
async function measureReal(
  setting: Setting,
  experiment: Experiment,
  { scenesOf, reference }: Ground,
): Promise<Record<string, Record<string, Values>>> {
  const sets = [...new Set(seedsOf(setting.at).map((seed) => scenesOf(seed)))];
  const real: Record<string, Record<string, Values>> = {};
  for (const condition of setting.at.profile.conditions) {
    const all: Record<string, (number | null)[]> = (real[condition] = {});
    for (const scenes of sets) {
      const images = scenes.examples.map(({ image }) => image);
      const hash = `real ${scenes.hash}`;
      const measured = await storedMeasures(setting, experiment.measures, { hash, images, scenes, condition, reference });
      for (const [id, values] of Object.entries(measured)) (all[id] ??= []).push(...values);
    }
  }
  return real;
}

/** Held-out scenes as the base draws that an arm is trained on. */
const planOn = (setting: Setting, size: LossSize, arm: Arm): Promise<LossPlan> =>
  lossPlan(size, { style: setting.on(arm.base).followed.style });

async function measureHeldOut(setting: Setting, experiment: Experiment): Promise<Results['heldOut']> {
  const { at } = setting;
  if (at.profile.heldOut === undefined) return null;
  const plan = await lossPlan(at.profile.heldOut);
  const losses: Record<string, Record<string, HeldOutLoss[]>> = {};
  for (const condition of at.profile.conditions) {
    const alone = await heldOutLoss(setting, { training: null, condition, plan });
    losses[condition] = { [BASE]: seedsOf(at).map(() => alone) };
  }
  for (const { panel, key } of trainingsOf(experiment, at))
    (losses[panel]![key.arm.id] ??= []).push(
      await heldOutLoss(setting, { training: key, condition: key.condition, plan: await planOn(setting, at.profile.heldOut, key.arm) }),
    );
  return losses;
}

/** The seeds that a drawing is made from: those that all its arms have. */
const seedsDrawn = ({ arms }: Experiment, { controls }: Drawing, seeds: readonly number[]): readonly number[] =>
  seeds.slice(0, Math.min(...[Infinity, ...controls.map(({ arm }) => arms.find(({ id }) => id === arm)!.seeds ?? Infinity)]));

async function lossPair(setting: Setting, key: TrainingKey, on: LossScenes): Promise<LossPair> {
  const { at } = setting;
  const { dataset } = setting.on(key.arm.base);
  const size = at.profile.heldOut!;
  const plan: LossPlan =
    on === 'trained'
      ? await trainedPlan(size, { dataset, recipe: untilNow(at.profile, key.arm), seed: key.seed })
      : await lossPlan(size, { unseen: on });
  const { condition } = key;
  return {
    control: await heldOutLoss(setting, { training: key, condition, plan }),
    base: await heldOutLoss(setting, { training: null, condition, plan }),
  };
}

async function measureLossOn(setting: Setting, experiment: Experiment): Promise<Results['lossOn']> {
  const taken: Partial<Record<LossScenes, Record<string, Record<string, LossPair[]>>>> = {};
  for (const on of setting.at.profile.heldOut?.alsoOn ?? [])
    for (const { panel, key } of trainingsOf(experiment, setting.at)) {
      const ofArms = ((taken[on] ??= {})[panel] ??= {});
      (ofArms[key.arm.id] ??= []).push(await lossPair(setting, key, on));
    }
  return taken;
}

/** The arm of a drawing that one network alone makes, or null. */
export const armOf = (arms: readonly Arm[], { controls, id }: Drawing): Arm | null =>
  id === BASE || controls.length !== 1 ? null : (arms.find((arm) => arm.id === controls[0]!.arm) ?? null);
