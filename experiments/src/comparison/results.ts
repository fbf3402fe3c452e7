import type { Base } from '@controllab/base-model';
import type { RgbImage } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix } from '@controllab/emoji-scenes';
import { COMMITTED_TIER, openBase, openJudges } from '@controllab/mini-sd';
import type { JobContext, Task } from '../runner/job.ts';
import type { Numerics } from '../runner/numerics.ts';
import type { Stored } from '../runner/store.ts';
import type { ConditionId } from './conditions.ts';
import { storedDrawings } from './draw.ts';
import { evaluationSet, referenceSet, type EvaluationSet } from './evaluation-set.ts';
import { BASE, eachAlone, type Arm, type Drawing, type Experiment, type Profile } from './experiment.ts';
import { storedMeasures, type Values } from './judge.ts';
import { startDifference, type StartDifference } from './start.ts';
import { labelOf, storedTraining, trainingIdentity, type Setting, type TrainingKey, type TrainingValue } from './train.ts';

/** One drawing under one prompt setting, from one seed, held against one condition. */
export interface Cell {
  readonly images: readonly RgbImage[];
  readonly measures: Readonly<Record<string, Values>>;
}

/** Everything an experiment computed: what its report is a pure function of. */
export interface Results {
  readonly profile: Profile;
  readonly seeds: readonly number[];
  readonly scenes: EvaluationSet;
  readonly base: Base;
  readonly dataset: { readonly id: string; readonly hash: string };
  readonly drawings: readonly Drawing[];
  /** By condition and arm, in the order of the seeds. */
  readonly trainings: Readonly<Record<string, Readonly<Record<string, readonly Stored<TrainingValue>[]>>>>;
  /** By condition, drawing and prompt setting, in the order of the seeds. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly Cell[]>>>>>>;
  /** The evaluated scenes themselves, by condition. */
  readonly real: Readonly<Record<string, Readonly<Record<string, Values>>>>;
  /** By arm: how far it moves the base model before training. */
  readonly start: Readonly<Record<string, StartDifference>>;
  readonly judges: Readonly<Record<string, string>>;
  readonly numerics: Numerics;
}

export const seedsOf = ({ profile, seed }: Pick<JobContext<Profile>, 'profile' | 'seed'>): number[] =>
  Array.from({ length: profile.seeds }, (_, i) => seed + i);

const trainingsOf = (experiment: Experiment, at: JobContext<Profile>): TrainingKey[] =>
  at.profile.conditions.flatMap((condition) => seedsOf(at).flatMap((seed) => experiment.arms.map((arm) => ({ arm, condition, seed }))));

const drawingsOf = (experiment: Experiment, profile: Profile): readonly Drawing[] =>
  (experiment.drawings ?? eachAlone)(experiment.arms, profile);

async function openSetting(at: JobContext<Profile>): Promise<Setting & { release(): Promise<void> }> {
  const base = await openBase(at.profile.base);
  const tier = COMMITTED_TIER;
  const judges = openJudges(tier, at.engine);
  let reference: ReturnType<Setting['reference']> | null = null;
  const features = async (): Promise<Awaited<ReturnType<Setting['reference']>>> => {
    const { examples } = await referenceSet(tier, at.profile.drawn);
    return (await judges.inception()).features(examples.map(({ image }) => image.rgb));
  };
  return {
    at,
    base,
    // Scenes that the base model was not trained on.
    dataset: await emojiScenes({ tier, seed: SCENE_SEEDS.controlTraining.seed, split: 'train', mix: trainingMix }),
    scenes: await evaluationSet(tier, at.profile.drawn),
    judges,
    reference: () => (reference ??= features()),
    release: () => judges.release(),
  };
}

/**
 * The parts of an experiment that can be computed by themselves: a training with what is drawn from it alone, and the base model's
 * pictures.
 */
export async function experimentTasks(experiment: Experiment, at: JobContext<Profile>): Promise<Task[]> {
  const setting = await openSetting(at);
  await setting.release();
  const drawings = drawingsOf(experiment, at.profile);
  const within = async (work: (setting: Setting) => Promise<unknown>): Promise<void> => {
    const opened = await openSetting(at);
    try {
      await work(opened);
    } finally {
      await opened.release();
    }
  };
  const draw = (opened: Setting, drawing: Drawing, seed: number) =>
    storedDrawings(opened, drawing, experiment.arms, seed, experiment.prompts, openBase);
  const trainings = trainingsOf(experiment, at).map((key): Task => {
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
        }),
    };
  });
  return trainings;
}

/** Computes an experiment, or finds it in the store. @throws Interrupted when a signal stopped a training */
export async function computeResults(experiment: Experiment, at: JobContext<Profile>): Promise<Results> {
  const setting = await openSetting(at);
  const { base, scenes, dataset, judges } = setting;
  const seeds = seedsOf(at);
  const drawings = drawingsOf(experiment, at.profile);
  const nested = <T>(): Record<string, Record<string, T>> => Object.fromEntries(at.profile.conditions.map((condition) => [condition, {}]));
  try {
    const trainings = nested<Stored<TrainingValue>[]>();
    for (const key of trainingsOf(experiment, at)) {
      (trainings[key.condition]![key.arm.id] ??= []).push(await storedTraining(setting, key));
    }
    const cells = nested<Record<string, Cell[]>>();
    for (const drawing of drawings) {
      for (const seed of seeds) {
        const drawn = await storedDrawings(setting, drawing, experiment.arms, seed, experiment.prompts, openBase);
        for (const condition of drawing.panels) {
          const ofDrawing = (cells[condition]![drawing.id] ??= {});
          for (const [prompt, { hash, images }] of Object.entries(drawn)) {
            const measures = await storedMeasures(setting, experiment.measures, { hash, images, condition });
            (ofDrawing[prompt] ??= []).push({ images, measures });
          }
        }
      }
    }
    const real = await measureReal(setting, experiment);
    const start: Record<string, StartDifference> = {};
    for (const arm of experiment.arms) start[arm.id] = await startDifference(setting, arm, at.profile.conditions[0]!);
    const { id, hash } = dataset;
    return {
      profile: at.profile,
      seeds,
      scenes,
      base,
      dataset: { id, hash },
      drawings,
      trainings,
      cells,
      real,
      start,
      judges: judges.hashes,
      numerics: at.numerics,
    };
  } finally {
    await setting.release();
  }
}

async function measureReal(setting: Setting, experiment: Experiment): Promise<Record<ConditionId, Record<string, Values>>> {
  const images = setting.scenes.examples.map(({ image }) => image);
  const real = {} as Record<ConditionId, Record<string, Values>>;
  for (const condition of setting.at.profile.conditions)
    real[condition] = await storedMeasures(setting, experiment.measures, { hash: `real ${setting.scenes.hash}`, images, condition });
  return real;
}

/** The arm of a drawing that one network alone makes, or null. */
export const armOf = (arms: readonly Arm[], { controls, id }: Drawing): Arm | null =>
  id === BASE || controls.length !== 1 ? null : (arms.find((arm) => arm.id === controls[0]!.arm) ?? null);
