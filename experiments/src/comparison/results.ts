import type { Base } from '@controllab/base-model';
import type { RgbImage } from '@controllab/data';
import type { PairedTwoSampleTest } from '@controllab/metrics';
import { COMMITTED_TIER, openBase, openJudges, styleOf, type Judges } from '@controllab/mini-sd';
import { TrainingError } from '@controllab/training';
import { ExperimentError } from '../runner/errors.ts';
import type { JobContext, Task } from '../runner/job.ts';
import type { Numerics } from '../runner/numerics.ts';
import type { Stored } from '../runner/store.ts';
import type { ConditionId } from './conditions.ts';
import type { ComparedData } from './data/compared-data.ts';
import { openComparedData } from './data/open-data.ts';
import { drawingHashes, drawnFor, storedDrawings, trainedFor, type Drawn } from './compute/drawing/draw.ts';
import { trainedPlan, type EvaluationSet } from './compute/drawing/evaluation-set.ts';
import type { HeldOutLoss, LossPlan } from './compute/judging/held-out-loss.ts';
import { heldOutLoss } from './compute/judging/stored-loss.ts';
import {
  armsOf,
  BASE,
  drawingsOf,
  groundName,
  groundOf,
  isCodeModel,
  samplesOf,
  seedsOfArm,
  trainedFrom,
  untilNow,
  type Arm,
  type Drawing,
  type Experiment,
  type LossScenes,
  type LossSize,
  type On,
  type Profile,
  type RatedPair,
} from './experiment.ts';
import { trainingCost, type TrainingCost } from './compute/training/cost.ts';
import { hasMeasures, REAL, realPictures, storedMeasures, type Shown, type Values } from './compute/judging/judge.ts';
import { measurePooled, type PooledResults, type PoolOfPictures } from './compute/judging/pooled.ts';
import { storedFeatures } from './compute/judging/reference.ts';
import { ROUND_TRIP, storedRatings } from './compute/judging/raters.ts';
import { storedRoundTrip } from './compute/drawing/round-trip.ts';
import { startDifference, type StartDifference } from './compute/training/start.ts';
import {
  dataOf,
  labelOf,
  storedTraining,
  trainingIdentity,
  type Ground,
  type Setting,
  type TrainingKey,
  type TrainingValue,
} from './compute/training/train.ts';

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

/** A training whose loss or weights were no longer finite: of which arm, as it is named, and when that was. */
export interface FailedTraining {
  readonly arm: string;
  readonly label: string;
  readonly step: number;
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
  readonly cells: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly Cell[]>>>>>>;
  /** By condition and pair, in the order of the seeds. */
  readonly rated: Readonly<Record<string, Readonly<Record<string, readonly PairedTwoSampleTest[]>>>>;
  /** What an experiment measures of all seeds' pictures together. */
  readonly pooled: PooledResults;
  /** By condition, arm (or `BASE`) and seed, of arms that denoise; null where the profile takes none. */
  readonly heldOut: Readonly<Record<string, Readonly<Record<string, readonly HeldOutLoss[]>>>> | null;
  /** What the profile takes losses on beside: by kind of scenes, condition, arm and seed. */
  readonly lossOn: Readonly<Partial<Record<LossScenes, Readonly<Record<string, Readonly<Record<string, readonly LossPair[]>>>>>>>;
  /** By arm, of those whose experiment asks for it: how far it moves the base model before training. */
  readonly start: Readonly<Record<string, StartDifference>>;
  /** By arm, of an experiment that asks for them. */
  readonly costs: Readonly<Record<string, TrainingCost>>;
  readonly judges: Readonly<Record<string, string>>;
  readonly numerics: Numerics;
  /** Trainings that came to values which are not finite: nothing else here is of their arms. */
  readonly failed: readonly FailedTraining[];
}

export const seedsOf = ({ profile, seed }: Pick<JobContext<Profile>, 'profile' | 'seed'>): number[] =>
  Array.from({ length: profile.seeds }, (_, i) => seed + i);

/** Each training with the condition of the panel that it stands in, and the seed of the run that it is drawn from with. */
const trainingsOf = (experiment: Experiment, at: JobContext<Profile>): { panel: ConditionId; key: TrainingKey; seed: number }[] =>
  at.profile.conditions.flatMap((panel) =>
    seedsOf(at).flatMap((seed) =>
      armsOf(experiment, at.profile)
        .filter((arm) => seedsOfArm(arm, seedsOf(at)).includes(seed))
        .map((arm) => ({ panel, key: { arm, condition: arm.condition ?? panel, seed: trainedFrom(arm, seed) }, seed })),
    ),
  );

/** Those that have a loss of denoising: a model of its own has none. */
const denoisersOf = (experiment: Experiment, at: JobContext<Profile>): ReturnType<typeof trainingsOf> =>
  trainingsOf(experiment, at).filter(({ key }) => !isCodeModel(key.arm.method));

/** Everything that an experiment trains or draws on, the profile's first, each once. */
function groundsOf(experiment: Experiment, profile: Profile): ReadonlyMap<string, Required<On>> {
  const trained = (arm: Arm): On[] => [arm, ...(arm.from === undefined ? [] : trained(arm.from))];
  const all = [{}, ...armsOf(experiment, profile).flatMap(trained), ...drawingsOf(experiment, profile)];
  return new Map(all.map((on) => [groundName(profile, on), groundOf(profile, on)]));
}

const untrainedOf = (experiment: Experiment, profile: Profile): Arm[] =>
  armsOf(experiment, profile).filter(({ id }) => experiment.untrained?.includes(id));

/** The scenes that each seed's pictures are drawn for. */
async function scenesBySeed(at: JobContext<Profile>, data: ComparedData): Promise<ReadonlyMap<number, EvaluationSet>> {
  const { singles, pairs, ownScenes } = at.profile.drawn;
  const of = (from: number): Promise<EvaluationSet> => data.evaluation({ singles, pairs }, from);
  const shared = await of(0);
  return new Map(await Promise.all(seedsOf(at).map(async (seed) => [seed, ownScenes ? await of(seed) : shared] as const)));
}

/** @throws what `openBase` throws, naming the base, where it has no weights */
async function openGround(at: JobContext<Profile>, on: Required<On>, judges: Judges): Promise<Ground> {
  const base = await openBase(on.base);
  const data = await openComparedData(on.data, { base, style: styleOf(on.base) });
  let reference: ReturnType<Ground['reference']> | null = null;
  const scenes = await scenesBySeed(at, data);
  return {
    base,
    dataset: data.dataset,
    loss: (size, unseen) => data.loss(size, unseen),
    followed: await data.evaluation({ singles: at.profile.follow.images, pairs: 0 }),
    scenesOf: (seed) => scenes.get(seed)!,
    reference: () => (reference ??= data.reference(at.profile.drawn).then((scenes) => storedFeatures({ at, judges }, scenes))),
  };
}

async function openSetting(experiment: Experiment, at: JobContext<Profile>): Promise<Setting & { release(): Promise<void> }> {
  const judges = openJudges(COMMITTED_TIER, at.engine);
  const grounds = new Map<string, Ground>();
  for (const [name, on] of groundsOf(experiment, at.profile)) grounds.set(name, await openGround(at, on, judges));
  const on = (what: On = {}): Ground => grounds.get(groundName(at.profile, what))!;
  return { ...on(), at, judges, on, release: () => judges.release() };
}

/** What the pictures of a drawing from one seed are held against, by panel. */
const shownIn = (setting: Setting, drawing: Drawing, seed: number): Omit<Shown, 'hash'>[] => {
  const [scenes, ground] = [drawnFor(setting, drawing, seed), setting.on(drawing)];
  return drawing.panels.map((condition) => ({ scenes, condition, ground }));
};

/** The kind of cells of trainings that are no longer finite. */
const FAILED = 'failed-training';

const hasFailed = (setting: Setting, key: TrainingKey): boolean => setting.at.store.has(FAILED, trainingIdentity(setting, key));

/**
 * A training, or when it failed. One that is no longer finite is so each time it is computed: it is kept as failed, and its arm left out,
 * where the report of all others would wait for it for ever.
 */
async function trainedOrFailed(setting: Setting, key: TrainingKey): Promise<Stored<TrainingValue> | FailedTraining> {
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

const taskOf = ({ arm, condition, seed }: TrainingKey): string => `${condition}-${arm.id}-${seed}`;

/**
 * The parts of an experiment that can be computed by themselves: a training with what is drawn from it alone, and what is drawn from no
 * training or several. Whoever draws pictures measures them.
 */
export async function experimentTasks(experiment: Experiment, at: JobContext<Profile>): Promise<Task[]> {
  const setting = await openSetting(experiment, at);
  const drawings = drawingsOf(experiment, at.profile);
  const released = (work: () => Promise<unknown>): Promise<void> =>
    work()
      .then(() => {})
      .finally(() => setting.release());
  const { arms, measures, prompts } = experiment;
  const draw = async (drawing: Drawing, seed: number): Promise<void> => {
    const drawn = Object.values(await storedDrawings(setting, drawing, arms, seed, prompts));
    for (const shown of shownIn(setting, drawing, seed))
      for (const pictures of drawn) await storedMeasures(setting, measures, { ...shown, ...pictures });
  };
  const has = (drawing: Drawing, seed: number): boolean => {
    const drawn = drawingHashes(setting, drawing, arms, seed, prompts);
    const shown = shownIn(setting, drawing, seed);
    return drawn?.every((hash) => shown.every((one) => hasMeasures(setting, measures, { ...one, hash }))) ?? false;
  };
  const trainings = trainingsOf(experiment, at).map(({ key, seed }): Task => {
    const { arm, condition } = key;
    const own = drawings.filter(
      ({ controls }) => controls.length === 1 && controls[0]!.arm === arm.id && controls[0]!.condition === condition,
    );
    return {
      id: taskOf(key),
      label: labelOf(key),
      cost: samplesOf(at.profile, arm),
      ...(arm.from === undefined ? {} : { after: [taskOf({ ...key, arm: arm.from })] }),
      // Another experiment may have trained it, and drawn something else.
      done: () =>
        hasFailed(setting, key) || (at.store.has('training', trainingIdentity(setting, key)) && own.every((drawing) => has(drawing, seed))),
      run: () =>
        released(async () => {
          if ('step' in (await trainedOrFailed(setting, key))) return;
          for (const drawing of own) await draw(drawing, seed);
          if (isCodeModel(arm.method)) return;
          if (at.profile.heldOut !== undefined)
            await heldOutLoss(setting, { training: key, condition, plan: await planOn(setting, at.profile.heldOut, arm) });
          for (const on of at.profile.heldOut?.alsoOn ?? []) await lossPair(setting, key, on);
        }),
    };
  });
  const trainingTasks = new Set(trainings.map(({ id }) => id));
  const others = drawings
    .filter(({ controls }) => controls.length !== 1)
    .flatMap((drawing) =>
      seedsDrawn(experiment, drawing, seedsOf(at)).map((seed): Task => {
        const keys = trainedFor(drawing, arms, seed);
        const after = keys.map(taskOf).filter((id) => trainingTasks.has(id));
        return {
          id: `drawn-${drawing.id}-${seed}`,
          label: `drawn: ${drawing.label}, seed ${seed}`,
          ...(after.length === 0 ? {} : { after }),
          // The report leaves an arm out whose training failed, and what is drawn from it.
          done: () => keys.some((key) => hasFailed(setting, key)) || has(drawing, seed),
          run: () =>
            released(async () => {
              for (const key of keys) if ('step' in (await trainedOrFailed(setting, key))) return;
              await draw(drawing, seed);
            }),
        };
      }),
    );
  // An arm with a condition of its own stands in every panel, and is trained once. Drawings come last: they wait for their trainings.
  return [...new Map([...trainings, ...others].map((task) => [task.id, task])).values()];
}

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
  const nested = <T>(): Record<string, Record<string, T>> => Object.fromEntries(at.profile.conditions.map((condition) => [condition, {}]));
  try {
    const trainings = nested<Stored<TrainingValue>[]>();
    const failed: FailedTraining[] = [];
    for (const { panel, key } of trainingsOf(experiment, at)) {
      const found = await trainedOrFailed(setting, key);
      if ('step' in found) failed.push(found);
      else (trainings[panel]![key.arm.id] ??= []).push(found);
    }
    if (failed.length > 0) return { ...(await computeResults(experiment, without(experiment, at, failed))), failed };
    const cells = nested<Record<string, Cell[]>>();
    const pools = nested<Record<string, PoolOfPictures>>();
    for (const drawing of drawings) {
      for (const seed of seedsDrawn(experiment, drawing, seeds)) {
        const drawn = await storedDrawings(setting, drawing, experiment.arms, seed, experiment.prompts);
        for (const shown of shownIn(setting, drawing, seed)) {
          const { condition, scenes } = shown;
          const ofDrawing = (cells[condition]![drawing.id] ??= {});
          for (const [prompt, pictures] of Object.entries(drawn)) {
            const measures = await storedMeasures(setting, experiment.measures, { ...shown, ...pictures });
            (ofDrawing[prompt] ??= []).push({ images: pictures.images, measures });
            ((pools[condition]![drawing.id] ??= {})[prompt] ??= { ground: setting.on(drawing), drawn: [] }).drawn.push({
              ...pictures,
              scenes,
            });
          }
        }
      }
    }
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

/** Held-out scenes of what an arm is trained on. */
const planOn = (setting: Setting, size: LossSize, arm: Arm): Promise<LossPlan> => setting.on(arm).loss(size);

async function measureHeldOut(setting: Setting, experiment: Experiment): Promise<Results['heldOut']> {
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

/** The seeds that a drawing is made from: those that all its arms have. */
const seedsDrawn = ({ arms }: Experiment, { controls }: Drawing, seeds: readonly number[]): readonly number[] =>
  seeds.slice(0, Math.min(...[Infinity, ...controls.map(({ arm }) => arms.find(({ id }) => id === arm)!.seeds ?? Infinity)]));

async function lossPair(setting: Setting, key: TrainingKey, on: LossScenes): Promise<LossPair> {
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

async function measureLossOn(setting: Setting, experiment: Experiment): Promise<Results['lossOn']> {
  const taken: Partial<Record<LossScenes, Record<string, Record<string, LossPair[]>>>> = {};
  for (const on of setting.at.profile.heldOut?.alsoOn ?? [])
    for (const { panel, key } of denoisersOf(experiment, setting.at)) {
      const ofArms = ((taken[on] ??= {})[panel] ??= {});
      (ofArms[key.arm.id] ??= []).push(await lossPair(setting, key, on));
    }
  return taken;
}

/** The arm of a drawing that one network alone makes, or null. */
export const armOf = (arms: readonly Arm[], { controls, id }: Drawing): Arm | null =>
  id === BASE || controls.length !== 1 ? null : (arms.find((arm) => arm.id === controls[0]!.arm) ?? null);
