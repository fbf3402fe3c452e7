import path from 'node:path';
import { createSampler, methodMetadata, type Base } from '@controllab/base-model';
import { countParameters, verifySafetensors, writeSafetensors, type ControlTarget } from '@controllab/core-blocks';
import { conditionBatch, type Dataset, type Json } from '@controllab/data';
import { encodePng } from '@controllab/report';
import { stateTensors, trainControl, trainedInBase, TRAINING_REVISION, type Recipe } from '@controllab/training';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { onBase, plain, storedLatents } from '../train/on-base.ts';
import { Interrupted } from '../runner/errors.ts';
import type { JobContext } from '../runner/job.ts';
import type { Stored } from '../runner/store.ts';
import type { ConditionId } from './conditions.ts';
import type { EvaluationSet } from './evaluation-set.ts';
import type { Arm, Profile } from './experiment.ts';
import { conditionFidelity, type Measured } from './measures.ts';
import { promptOf } from './prompts.ts';

/** What every training of an experiment shares. */
export interface Setting {
  readonly at: JobContext<Profile>;
  readonly base: Base;
  readonly dataset: Dataset;
  readonly scenes: EvaluationSet;
  readonly judges: Measured['judges'];
  reference: Measured['reference'];
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
  };
}

const WEIGHTS = 'weights.safetensors';

export const recipeOf = ({ recipe }: Profile, arm: Arm): Recipe => ({ ...recipe, ...arm.recipe });

/**
 * What a training is a pure function of. The pictures that follow it are part of it, since they are stored with it.
 * @throws an error of the method's package when it has no recipe for the base
 */
export function trainingIdentity(
  { at, base, dataset, scenes }: Omit<Setting, 'judges' | 'reference'>,
  { arm, condition, seed }: TrainingKey,
): Json {
  return {
    revision: TRAINING_REVISION,
    method: { id: arm.method.id, config: plain(arm.method.config) },
    base: base.hash,
    dataset: dataset.hash,
    condition,
    recipe: plain(recipeOf(at.profile, arm)),
    seed,
    follow: { ...at.profile.follow, scenes: scenes.hash, measure: conditionFidelity.revision },
    numerics: plain(at.numerics),
  };
}

/** The stored training, computed if nobody has yet. @throws Interrupted when a signal stopped it */
export function storedTraining(setting: Setting, key: TrainingKey): Promise<Stored<TrainingValue>> {
  const identity = trainingIdentity(setting, key);
  return setting.at.store.cell('training', identity, async (directory) => {
    const value = await train(setting, key, directory, identity);
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

export const controlOf = ({ base }: Pick<Setting, 'base'>, arm: Arm) => {
  const target: ControlTarget = base.denoiser().target;
  return arm.method.create(target);
};

async function train(setting: Setting, key: TrainingKey, directory: string, identity: Json): Promise<TrainingValue> {
  const { at, base, dataset } = setting;
  const recipe = recipeOf(at.profile, key.arm);
  const { images, steps, every } = at.profile.follow;
  const control = controlOf(setting, key.arm);
  const trained = onBase(base, control);
  const followed = setting.scenes.examples.slice(0, images);
  const condition = conditionBatch(followed.map((example) => example.condition(key.condition)));
  const prompts = followed.map((example) => promptOf(example, 'perfect'));
  const latents = await storedLatents(at, base, dataset, recipe.examples);
  const sampler = await createSampler(
    base,
    { count: images, guidance: false, controls: [{ control: controlOf(setting, key.arm) }] },
    at.engine,
  );
  try {
    const { result, weights } = await trainControl({
      name: labelOf(key),
      ...trained,
      fixed: base.fixedInputs(),
      data: { latents, dataset: dataset.reference },
      condition: key.condition,
      recipe,
      seed: key.seed,
      engine: at.engine,
      directory,
      identity,
      checkpointEvery: 2 * every,
      evaluation: {
        every,
        run: async ({ state }) => {
          const drawn = await sampler.sample({
            prompts,
            seed: key.seed,
            steps,
            guidanceScale: 1,
            conditions: [condition],
            weights: [stateTensors(state, 'p')],
          });
          const fidelity = await conditionFidelity.of({ ...setting, images: drawn, examples: followed, condition: key.condition });
          const values = fidelity.map((value) => value!);
          const [first] = drawn;
          const picture = Buffer.from(await encodePng(first!.rgb, first!.width, first!.height)).toString('base64');
          return { fidelity: values.reduce((a, b) => a + b, 0) / values.length, perImage: values, picture };
        },
      },
    });
    if (weights === null) throw new Interrupted();
    writeSafetensors(path.join(directory, WEIGHTS), weights, {
      metadata: { ...methodMetadata(key.arm.method), condition: key.condition, seed: String(key.seed) },
    });
    return {
      parameters: { control: countParameters(control.module), inBase: countOf(weights, trainedInBase(trained.model)) },
      losses: result.losses.map(({ loss }) => loss),
      curve: {
        steps: result.evaluations.map(({ step }) => step),
        perImage: result.evaluations.map(({ values }) => values['perImage'] as readonly number[]),
        pictures: result.evaluations.map(({ values }) => values['picture'] as string),
      },
    };
  } finally {
    await sampler.release();
  }
}

const countOf = (weights: Record<string, HostTensor>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + weights[name]!.data.length, 0);
