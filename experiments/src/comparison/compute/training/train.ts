import path from 'node:path';
import { BaseModelError, createSampler, methodMetadata, type Base } from '@controllab/base-model';
import { countParameters, verifySafetensors, writeSafetensors, type Control, type Method } from '@controllab/core-blocks';
import { conditionBatch, jsonHash, plainJson, type Dataset, type Json } from '@controllab/data';
import { wrongConditions } from '@controllab/data-scaling';
import type { CodeModel } from '@controllab/mini-sd';
import {
  seenExamples,
  startOf,
  stateTensors,
  trainControl,
  trainedInBase,
  TrainingError,
  TRAINING_REVISION,
  type EvaluationValues,
  type TrainingResult,
} from '@controllab/training';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { onBase } from '../../../runner/on-base.ts';
import { storedLatents } from '../../../runner/workplace.ts';
import { Interrupted } from '../../../runner/errors.ts';
import type { JobContext } from '../../../runner/job.ts';
import type { Stored } from '../../../runner/store.ts';
import type { ConditionId } from '../../conditions.ts';
import type { ComparedData } from '../../data/compared-data.ts';
import type { EvaluationSet } from '../drawing/evaluation-set.ts';
import { isCodeModel, methodOf, recipeOf, stepsBefore, untilNow, type Arm, type On, type Profile } from '../../experiment.ts';
import { codeModelIdentity, trainCodeModel, type CodeTraining } from './code-model.ts';
import { everyPicture, followedPictures } from './followed.ts';
import { byPrompt, LOSS_PROMPTS, openLoss, type HeldOutLoss, type LossPlan, type Predictions } from '../judging/held-out-loss.ts';
import { openCopies } from './copies.ts';
import { measured, type Judged } from '../judging/measured.ts';
import { conditionFidelity, FOLLOWED, type FollowedId } from '../judging/measures.ts';
import { SIGNALS, signalsOf, startsAtZero, type Signals } from './signals.ts';
import { promptOf } from '../../prompts.ts';

/** A base with what is trained on it: of scenes, such as are drawn as it draws. */
export interface Ground extends Pick<ComparedData, 'dataset' | 'loss'> {
  readonly base: Base;
  /** Those whose pictures follow a training. */
  readonly followed: EvaluationSet;
  /** Those that a seed's pictures are drawn for. */
  scenesOf(seed: number): EvaluationSet;
  /** mini-inception's features of other scenes of the same kinds, [N, 256]. */
  reference: Judged['reference'];
}

/** What every training of an experiment shares, on the profile's base. */
export interface Setting extends Ground {
  readonly at: JobContext<Profile>;
  readonly judges: Judged['judges'];
  /** What an arm or a drawing is made on; where they say nothing, and without one, what the profile says. */
  on(what?: On): Ground;
}

/** One training: an arm under a condition, from a seed. */
export interface TrainingKey {
  readonly arm: Arm;
  readonly condition: ConditionId;
  readonly seed: number;
}

/** What a training leaves beside its weights. */
export interface TrainingValue {
  /** Of the control network, and of the base where the method trains some of it. */
  readonly parameters: { readonly control: number; readonly inBase: number };
  /** Of every step. */
  readonly losses: readonly number[];
  /** Fidelity of every followed picture at each evaluated step, and the first of those pictures as a PNG in base64. */
  readonly curve: {
    readonly steps: readonly number[];
    readonly perImage: readonly (readonly number[])[];
    readonly pictures: readonly string[];
    /** Loss on held-out scenes at each evaluated step, by prompt setting: a row a step, in it the mean at each timestep. */
    readonly heldOut?: Readonly<Record<keyof HeldOutLoss, readonly (readonly number[])[]>>;
    /** At each evaluated step, where the profile asks for them. */
    readonly signals?: Readonly<Record<keyof Signals, readonly number[]>>;
    /** At each evaluated step, where the profile asks for it: distance to the nearest training picture over the second nearest's. */
    readonly copies?: readonly (readonly number[])[];
    /** At each evaluated step, where the profile asks for them: of every followed picture. */
    readonly measures?: Readonly<Record<string, readonly (readonly number[])[]>>;
  };
}

const WEIGHTS = 'weights.safetensors';

/** Scenes up to which all of a training's are encoded beforehand, for all trainings; of more those alone that it sees. */
const ENCODED_WHOLE = 16_384;

/** What an arm is trained on. */
export const dataOf = ({ dataset }: Pick<Ground, 'dataset'>, { wrongConditions: share }: Arm): Dataset =>
  share === undefined ? dataset : wrongConditions(dataset, { share });

const codeTraining = (setting: Pick<Setting, 'on'>, key: TrainingKey, model: CodeModel): CodeTraining => ({
  key,
  model,
  data: dataOf(setting.on(key.arm), key.arm),
});

/**
 * What a training is a pure function of. The pictures that follow it are part of it, since they are stored with it.
 * @throws an error of the method's package when it has no recipe for the base
 */
export function trainingIdentity(setting: Pick<Setting, 'at' | 'on'>, { arm, condition, seed }: TrainingKey): Json {
  const { at } = setting;
  const ground = setting.on(arm);
  if (isCodeModel(arm.method)) return codeModelIdentity(setting, codeTraining(setting, { arm, condition, seed }, arm.method));
  const { base, followed } = ground;
  const { follow } = at.profile;
  const revisions = follow.measures?.map((id) => FOLLOWED[id].revision);
  return {
    revision: TRAINING_REVISION,
    method: { id: arm.method.id, config: plainJson(arm.method.config) },
    base: base.hash,
    dataset: dataOf(ground, arm).hash,
    condition,
    recipe: plainJson(recipeOf(at.profile, arm)),
    seed,
    follow: {
      ...(plainJson(follow) as Record<string, Json>),
      scenes: followed.hash,
      measure: conditionFidelity.revision,
      ...(revisions === undefined ? {} : { revisions }),
    },
    numerics: plainJson(at.numerics),
    ...(arm.from === undefined ? {} : { from: jsonHash(trainingIdentity(setting, { arm: arm.from, condition, seed })) }),
  };
}

/**
 * What is drawn after a step. Weights of a training that diverges can be finite where their pictures no longer are.
 * @throws TrainingError non-finite then: the training has failed, as it has where its loss is not finite
 */
async function sampled<T>(step: number, draw: () => Promise<T>): Promise<T> {
  try {
    return await draw();
  } catch (cause) {
    if (!(cause instanceof BaseModelError) || cause.code !== 'not-finite') throw cause;
    throw new TrainingError('non-finite', `After step ${step} nothing finite is drawn. ${cause.message}`, { step }, { cause });
  }
}

/** The stored training, computed if nobody has yet. @throws Interrupted when a signal stopped it */
export function storedTraining(setting: Setting, key: TrainingKey): Promise<Stored<TrainingValue>> {
  const identity = trainingIdentity(setting, key);
  return setting.at.store.cell('training', identity, async (directory) => {
    const { method } = key.arm;
    const value = isCodeModel(method)
      ? await trainCodeModel(setting, codeTraining(setting, key, method), { directory, name: labelOf(key), identity, file: WEIGHTS })
      : await train(setting, key, directory, identity);
    return { value, files: [WEIGHTS] };
  });
}

/** The weights of a stored training: `control.`, and `unet.` where the method trains some of the base. */
export function weightsOf({ directory }: Pick<Stored<TrainingValue>, 'directory'>): Record<string, HostTensor> {
  const stored = verifySafetensors(path.join(directory, WEIGHTS));
  return Object.fromEntries(stored.names().map((name) => [name, stored.tensor(name)]));
}

/** Arm and condition as messages name them. */
export const labelOf = ({ arm, condition, seed }: TrainingKey): string => `${arm.label}, ${condition}, seed ${seed}`;

/** A method made for a base. */
export const controlOf = ({ base }: Pick<Ground, 'base'>, method: Method): Control => method.create(base.denoiser().target);

async function train(setting: Setting, key: TrainingKey, directory: string, identity: Json): Promise<TrainingValue> {
  const { at } = setting;
  const { arm } = key;
  const ground = setting.on(arm);
  const { base, dataset } = ground;
  const recipe = recipeOf(at.profile, arm);
  const earlier = arm.from === undefined ? null : await storedTraining(setting, { ...key, arm: arm.from });
  const { images, steps, every, loss: lossSize, copies: asked, measures = [] } = at.profile.follow;
  const data = dataOf(ground, arm);
  const method = methodOf(arm);
  const control = controlOf(ground, method);
  const trained = onBase(base, control);
  const followed = ground.followed.examples;
  const condition = conditionBatch(followed.map((example) => example.condition(key.condition)));
  const prompts = followed.map((example) => promptOf(example, 'perfect'));
  const whole = untilNow(at.profile, arm);
  const seen = recipe.examples > ENCODED_WHOLE ? seenExamples(whole, key.seed) : undefined;
  const latents = await storedLatents(at, base, dataset, recipe.examples, seen);
  const copies =
    asked === undefined ? null : await openCopies(data, { recipe: whole, seed: key.seed, condition: key.condition, count: images });
  const sampler = await createSampler(
    base,
    { count: images, guidance: false, controls: [{ control: controlOf(ground, method) }] },
    at.engine,
  );
  const inside = lossSize === undefined ? null : await openInside(setting, key, await ground.loss(lossSize), lossSize.signals === true);
  try {
    const { result, weights } = await trainControl({
      name: labelOf(key),
      ...trained,
      fixed: base.fixedInputs(),
      data: { latents, dataset: data.reference },
      condition: key.condition,
      recipe,
      seed: key.seed,
      ...(earlier === null ? {} : { start: weightsOf(earlier), firstStep: stepsBefore(at.profile, arm) }),
      engine: at.engine,
      directory,
      identity,
      checkpointEvery: 2 * every,
      evaluation: {
        every,
        run: async ({ step, state }) => {
          const values = stateTensors(state, 'p');
          const inner = inside === null ? {} : await inside.of(step, state);
          const draw = (given: typeof condition, told: readonly string[]) =>
            sampled(step, () =>
              sampler.sample({ prompts: told, seed: key.seed, steps, guidanceScale: 1, conditions: [given], weights: [values] }),
            );
          const drawn = await draw(condition, prompts);
          const beside: EvaluationValues =
            copies === null ? {} : { copies: copies.of(await draw(copies.condition, Array<string>(images).fill(''))) };
          const pictures = measured({
            judges: setting.judges,
            reference: ground.reference,
            original: null,
            images: drawn,
            examples: followed,
            condition: key.condition,
          });
          for (const id of measures) beside[id] = await everyPicture(FOLLOWED[id], pictures);
          return { ...(await followedPictures(pictures)), ...inner, ...beside };
        },
      },
    });
    if (weights === null) throw new Interrupted();
    writeSafetensors(path.join(directory, WEIGHTS), weights, {
      metadata: { ...methodMetadata(method), condition: key.condition, seed: String(key.seed) },
    });
    return {
      parameters: { control: countParameters(control.module), inBase: countOf(weights, trainedInBase(trained.model)) },
      losses: result.losses.map(({ loss }) => loss),
      curve: {
        steps: result.evaluations.map(({ step }) => step),
        perImage: result.evaluations.map(({ values }) => values['perImage'] as readonly number[]),
        pictures: result.evaluations.map(({ values }) => values['picture'] as string),
        ...(lossSize === undefined ? {} : { heldOut: followedLosses(result.evaluations) }),
        ...(lossSize?.signals === true ? { signals: followedSignals(result.evaluations) } : {}),
        ...(copies === null ? {} : { copies: result.evaluations.map(({ values }) => values['copies'] as readonly number[]) }),
        ...(measures.length === 0 ? {} : { measures: followedMeasures(result.evaluations, measures) }),
      },
    };
  } finally {
    await sampler.release();
    await inside?.release();
  }
}

/** Under what name the log has a prompt setting's loss. */
const logged = (prompt: keyof HeldOutLoss): string => `held-out loss, ${prompt}`;

/** Means over scenes at each timestep, as the log has them. */
const overScenes = (loss: HeldOutLoss): Record<string, number[]> =>
  Object.fromEntries(
    LOSS_PROMPTS.map((prompt) => [logged(prompt), loss[prompt].map((row) => row.reduce((a, b) => a + b, 0) / row.length)]),
  );

const followedLosses = (evaluations: TrainingResult['evaluations']) =>
  byPrompt((prompt) => evaluations.map(({ values }) => values[logged(prompt)] as readonly number[]));

const followedSignals = (evaluations: TrainingResult['evaluations']): NonNullable<TrainingValue['curve']['signals']> =>
  Object.fromEntries(SIGNALS.map((id) => [id, evaluations.map(({ values }) => values[id] as number)])) as Record<keyof Signals, number[]>;

const followedMeasures = (evaluations: TrainingResult['evaluations'], ids: readonly FollowedId[]) =>
  Object.fromEntries(ids.map((id) => [id, evaluations.map(({ values }) => values[id] as readonly number[])]));

/** What an evaluation looks at beside the pictures: the loss on held-out scenes and, where asked for, the signals. */
async function openInside(setting: Setting, { arm, condition, seed }: TrainingKey, plan: LossPlan, signals: boolean) {
  const { at } = setting;
  const { base } = setting.on(arm);
  const loss = await openLoss({ at, base }, { control: controlOf({ base }, methodOf(arm)), condition, plan });
  const alone = signals ? await predictedAlone({ at, base }, condition, plan) : null;
  const zero = signals ? startsAtZero(startOf(onBase(base, controlOf({ base }, methodOf(arm))).model, seed)) : [];
  return {
    async of(step: number, state: Record<string, HostTensor>): Promise<Record<string, number | readonly number[]>> {
      const controlled = await loss.predict(stateTensors(state, 'p'));
      return { ...overScenes(loss.of(controlled)), ...(alone === null ? {} : signalsOf(state, { step, zero, controlled, alone })) };
    },
    release: () => loss.release(),
  };
}

/** What the base model predicts without control. */
async function predictedAlone(setting: Pick<Setting, 'at' | 'base'>, condition: ConditionId, plan: LossPlan): Promise<Predictions> {
  const loss = await openLoss(setting, { control: null, condition, plan });
  try {
    return await loss.predict({});
  } finally {
    await loss.release();
  }
}

const countOf = (weights: Record<string, HostTensor>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + weights[name]!.data.length, 0);
