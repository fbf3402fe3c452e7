import type { Base } from '@controllab/base-model';
import type { PairedTwoSampleTest } from '@controllab/metrics';
import { ExperimentError } from '../runner/errors.ts';
import type { JobContext } from '../runner/job.ts';
import type { Numerics } from '../runner/numerics.ts';
import type { Stored } from '../runner/store.ts';
import { drawAll, seedsDrawn, type DrawnCell } from './compute/drawing/draw-all.ts';
import { storedDrawings, type Drawn } from './compute/drawing/draw.ts';
import type { EvaluationSet } from './compute/drawing/evaluation-set.ts';
import { storedRoundTrip } from './compute/drawing/round-trip.ts';
import type { HeldOutLoss } from './compute/judging/held-out-loss.ts';
import { REAL, realPictures, storedMeasures, type Values } from './compute/judging/judge.ts';
import { measurePooled, type PooledResults } from './compute/judging/pooled.ts';
import { ROUND_TRIP, storedRatings } from './compute/judging/raters.ts';
import { measureHeldOut, measureLossOn, type LossesOfArms, type LossPair } from './compute/losses.ts';
import { groundsOf, openSetting } from './compute/setting.ts';
import { trainingCost, type TrainingCost } from './compute/training/cost.ts';
import { trainedOrFailed, type FailedTraining } from './compute/training/failed.ts';
import { startDifference, type StartDifference } from './compute/training/start.ts';
import type { Ground, Setting, TrainingValue } from './compute/training/train.ts';
import { seedsOf, trainingsOf } from './compute/training/trainings.ts';
import { byCondition } from './conditions.ts';
import {
  armsOf,
  drawingsOf,
  type Arm,
  type Drawing,
  type Experiment,
  type LossScenes,
  type Profile,
  type RatedPair,
} from './experiment.ts';

/** What is known of a base and of what is trained on it, beside what is trained and drawn there. */
export interface GroundResults {
  readonly base: Base;
  /** The base as the experiment names it. */
  readonly name: string;
  /** Scenes that pictures are drawn for, in the order of the seeds: one and the same, or each seed's own. */
  readonly scenes: readonly EvaluationSet[];
  /** What these scenes themselves score, by condition. */
  readonly real: Readonly<Record<string, Readonly<Record<string, Values>>>>;
  /** What the base's autoencoder makes of them, by condition; of an experiment that asks for it. */
  readonly roundTrip?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

/** Everything an experiment computed: what its report is a pure function of. */
export interface Results {
  readonly profile: Profile;
  readonly seeds: readonly number[];
  /** Those whose pictures follow a training. */
  readonly followed: EvaluationSet;
  /** By `groundName`: the profile's, and those of arms and drawings. */
  readonly grounds: Readonly<Record<string, GroundResults>>;
  readonly dataset: { readonly id: string; readonly hash: string };
  readonly drawings: readonly Drawing[];
  /** By condition and arm, in the order of the seeds. */
  readonly trainings: Readonly<Record<string, Readonly<Record<string, readonly Stored<TrainingValue>[]>>>>;
  /** By condition, drawing and prompt setting, in the order of the seeds. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly DrawnCell[]>>>>>>;
  /** By condition and pair, in the order of the seeds. */
  readonly rated: Readonly<Record<string, Readonly<Record<string, readonly PairedTwoSampleTest[]>>>>;
  /** What an experiment measures of all seeds' pictures together. */
  readonly pooled: PooledResults;
  /** By condition, arm (or `BASE`) and seed, of arms that denoise; null where the profile takes none. */
  readonly heldOut: LossesOfArms<HeldOutLoss> | null;
  /** What the profile takes losses on beside: by kind of scenes, condition, arm and seed. */
  readonly lossOn: Readonly<Partial<Record<LossScenes, LossesOfArms<LossPair>>>>;
  /** By arm, of those whose experiment asks for it: how far it moves the base model before training. */
  readonly start: Readonly<Record<string, StartDifference>>;
  /** By arm, of an experiment that asks for them. */
  readonly costs: Readonly<Record<string, TrainingCost>>;
  readonly judges: Readonly<Record<string, string>>;
  readonly numerics: Numerics;
  /** Trainings that came to values which are not finite: nothing else here is of their arms. */
  readonly failed: readonly FailedTraining[];
}

const untrainedOf = (experiment: Experiment, profile: Profile): Arm[] =>
  armsOf(experiment, profile).filter(({ id }) => experiment.untrained?.includes(id));

/** A run without the arms of failed trainings. @throws ExperimentError measurement-failed where no arm is left */
function without(experiment: Experiment, at: JobContext<Profile>, failed: readonly FailedTraining[]): JobContext<Profile> {
  const arms = armsOf(experiment, at.profile)
    .map(({ id }) => id)
    .filter((id) => !failed.some(({ arm }) => arm === id));
  if (arms.length === 0)
    throw new ExperimentError(
      'measurement-failed',
      `every arm has a training that is no longer finite, the first of them ${failed[0]!.label}, at step ${failed[0]!.step}: a smaller learning rate or a longer warm-up usually helps.`,
      { failed },
    );
  return { ...at, profile: { ...at.profile, arms } };
}

/** Computes an experiment, or finds it in the store. @throws Interrupted when a signal stopped a training */
export async function computeResults(experiment: Experiment, at: JobContext<Profile>): Promise<Results> {
  const setting = await openSetting(experiment, at);
  const { dataset, judges } = setting;
  const seeds = seedsOf(at);
  const drawings = drawingsOf(experiment, at.profile);
  try {
    const trainings = byCondition<Stored<TrainingValue>[]>(at.profile.conditions);
    const failed: FailedTraining[] = [];
    for (const { panel, key } of trainingsOf(experiment, at)) {
      const found = await trainedOrFailed(setting, key);
      if ('step' in found) failed.push(found);
      else (trainings[panel]![key.arm.id] ??= []).push(found);
    }
    if (failed.length > 0) return { ...(await computeResults(experiment, without(experiment, at, failed))), failed };
    const { cells, pools } = await drawAll(setting, experiment);
    const grounds: Record<string, GroundResults> = {};
    for (const [name, on] of groundsOf(experiment, at.profile)) {
      const ground = setting.on(on);
      grounds[name] = {
        base: ground.base,
        name: on.base,
        scenes: seeds.map((seed) => ground.scenesOf(seed)),
        real: await measureScenes(setting, experiment, ground, realPictures),
        ...(experiment.roundTrip === true
          ? { roundTrip: await measureScenes(setting, experiment, ground, (scenes) => storedRoundTrip({ at, base: ground.base }, scenes)) }
          : {}),
      };
    }
    const costs: Record<string, TrainingCost> = {};
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
      pooled: await measurePooled(setting, experiment, seeds, pools),
      rated: await rate(setting, experiment),
      heldOut: await measureHeldOut(setting, experiment),
      lossOn: await measureLossOn(setting, experiment),
      start,
      costs,
      judges: judges.hashes,
      numerics: at.numerics,
      failed: [],
    };
  } finally {
    await setting.release();
  }
}

/** What pictures of the evaluated scenes score that no control drew, those of all seeds behind each other. */
async function measureScenes(
  setting: Setting,
  experiment: Experiment,
  ground: Ground,
  picturesOf: (scenes: EvaluationSet) => Promise<Drawn>,
): Promise<Record<string, Record<string, Values>>> {
  const sets = [...new Set(seedsOf(setting.at).map((seed) => ground.scenesOf(seed)))];
  const taken: Record<string, Record<string, Values>> = {};
  for (const condition of setting.at.profile.conditions) {
    const all: Record<string, (number | null)[]> = (taken[condition] = {});
    for (const scenes of sets) {
      const measured = await storedMeasures(setting, experiment.measures, { ...(await picturesOf(scenes)), scenes, condition, ground });
      for (const [id, values] of Object.entries(measured)) (all[id] ??= []).push(...values);
    }
  }
  return taken;
}

/** How well raters tell the pairs of an experiment apart, from the seeds that both drawings of a pair are made from. */
async function rate(setting: Setting, experiment: Experiment): Promise<Results['rated']> {
  const { at } = setting;
  const pairs = experiment.rated?.(armsOf(experiment, at.profile), at.profile) ?? [];
  const rated: Record<string, Record<string, PairedTwoSampleTest[]>> = {};
  for (const condition of at.profile.conditions) {
    const drawings = drawingsOf(experiment, at.profile).filter(({ panels }) => panels.includes(condition));
    const drawn = async (id: string, prompt: RatedPair['prompt'], seed: number): Promise<Drawn> => {
      if (id === REAL) return realPictures(setting.scenesOf(seed));
      if (id === ROUND_TRIP) return storedRoundTrip(setting, setting.scenesOf(seed));
      const drawing = drawings.find((one) => one.id === id)!;
      return (await storedDrawings(setting, drawing, experiment.arms, seed, experiment.prompts))[prompt]!;
    };
    rated[condition] = {};
    for (const { id, of, prompt } of pairs) {
      // Of an arm whose training failed nothing is drawn.
      if (!of.every((one) => one === REAL || one === ROUND_TRIP || drawings.some((drawing) => drawing.id === one))) continue;
      const made = drawings.filter((one) => of.includes(one.id));
      const seeds = made.reduce((left, drawing) => seedsDrawn(experiment, drawing, left), seedsOf(at) as readonly number[]);
      rated[condition][id] = [];
      for (const seed of seeds)
        rated[condition][id].push(await storedRatings(setting, [await drawn(of[0], prompt, seed), await drawn(of[1], prompt, seed)], seed));
    }
  }
  return rated;
}
