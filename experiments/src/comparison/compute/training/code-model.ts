import path from 'node:path';
import { countParameters, initialize, verifySafetensors, writeSafetensors, type Weights } from '@controllab/core-blocks';
import { jsonHash, plainJson, type Dataset, type Json } from '@controllab/data';
import { compileCodeSampler, firstStage, secondStage, type CodeModel } from '@controllab/mini-sd';
import { cost, trace, type HostTensor } from '@controllab/tfjs-onnx';
import {
  pictureStep,
  stateTensors,
  trainOnPictures,
  TRAINING_REVISION,
  trainStepFunction,
  type PictureModel,
  type PictureRecipe,
  type Recipe,
} from '@controllab/training';
import { Interrupted } from '../../../runner/errors.ts';
import { recipeOf, type Arm } from '../../experiment.ts';
import { measured } from '../judging/measured.ts';
import { followedPictures } from './followed.ts';
import { conditionFidelity } from '../judging/measures.ts';
import type { Setting, TrainingKey, TrainingValue } from './train.ts';

/** One training of a model of its own, on the dataset that its arm is trained on. */
export interface CodeTraining {
  readonly key: TrainingKey;
  readonly model: CodeModel;
  readonly data: Dataset;
}

/** One first stage serves all trainings of a profile, as one autoencoder of the base serves all others. */
const FIRST_SEED = 1;
const WEIGHTS = 'weights.safetensors';

/** A recipe without what only denoisers have. */
function ofPictures(recipe: Recipe): PictureRecipe {
  const denoisers: readonly string[] = ['promptDrop', 'timesteps', 'snrGamma'] satisfies (keyof Recipe)[];
  return Object.fromEntries(Object.entries(recipe).filter(([field]) => !denoisers.includes(field))) as unknown as PictureRecipe;
}

/** So many times the profile's steps, whatever those of the arm's second stage; the rate falls, so that what is learnt settles. */
const firstRecipe = ({ recipe }: { recipe: Recipe }, { config }: CodeModel): PictureRecipe => ({
  ...ofPictures(recipe),
  steps: config.firstStage * recipe.steps,
  schedule: 'cosine',
});

const firstIdentity = ({ at }: Pick<Setting, 'at'>, { model, data }: CodeTraining): Json => ({
  revision: TRAINING_REVISION,
  model: model.id,
  dataset: data.hash,
  recipe: plainJson(firstRecipe(at.profile, model)),
  seed: FIRST_SEED,
  numerics: plainJson(at.numerics),
});

/**
 * What a training of a model of its own is a pure function of; no base has a part in it.
 * @throws RangeError for what an arm or a profile asks of it that is a control's
 */
export function codeModelIdentity(setting: Pick<Setting, 'at' | 'on'>, training: CodeTraining): Json {
  const { at } = setting;
  const { arm, condition, seed } = training.key;
  const { follow } = at.profile;
  const asked = Object.entries({ from: arm.from, loss: follow.loss, copies: follow.copies, measures: follow.measures }).flatMap(
    ([name, value]) => (value ? [name] : []),
  );
  if (asked.length > 0) throw new RangeError(`arm ${arm.id} is a model of its own, for which there is none of: ${asked.join(', ')}`);
  const { config, drawing, id } = training.model;
  return {
    revision: TRAINING_REVISION,
    method: { id, config: plainJson(config) },
    firstStage: jsonHash(firstIdentity(setting, training)),
    dataset: training.data.hash,
    condition,
    recipe: plainJson(ofPictures(recipeOf(at.profile, arm))),
    seed,
    follow: {
      images: follow.images,
      drawing: plainJson(drawing),
      scenes: setting.on(arm).followed.hash,
      measure: conditionFidelity.revision,
    },
    numerics: plainJson(at.numerics),
  };
}

const readWeights = (directory: string): Record<string, HostTensor> => {
  const stored = verifySafetensors(path.join(directory, WEIGHTS));
  return Object.fromEntries(stored.names().map((name) => [name, stored.tensor(name)]));
};

/** The autoencoder's weights, trained if nobody has yet. @throws Interrupted when a signal stopped it */
async function storedFirstStage({ at }: Setting, training: CodeTraining): Promise<Record<string, HostTensor>> {
  const identity = firstIdentity({ at }, training);
  const { directory } = await at.store.cell('first-stage', identity, async (folder) => {
    const { result, weights } = await trainOnPictures({
      name: `${training.model.label}, autoencoder`,
      model: firstStage(),
      dataset: training.data.reference,
      recipe: firstRecipe(at.profile, training.model),
      seed: FIRST_SEED,
      engine: at.engine,
      directory: folder,
      identity,
      checkpointEvery: at.profile.recipe.steps,
    });
    if (weights === null) throw new Interrupted();
    writeSafetensors(path.join(folder, WEIGHTS), weights);
    return { value: { losses: result.losses.map(({ loss }) => loss) }, files: [WEIGHTS] };
  });
  return readWeights(directory);
}

/**
 * Trains the second stage behind the first, and stores the weights of both. Its pictures take a hundred times as long to draw as those of a
 * denoiser do: they are looked at before and after the training alone.
 * @throws Interrupted when a signal stopped it
 */
export async function trainCodeModel(
  setting: Setting,
  training: CodeTraining,
  { directory, name, identity, file }: { directory: string; name: string; identity: Json; file: string },
): Promise<TrainingValue> {
  const { at, judges } = setting;
  const { key, model, data } = training;
  const ground = setting.on(key.arm);
  const first = await storedFirstStage(setting, training);
  const stage = secondStage(first);
  const recipe = ofPictures(recipeOf(at.profile, key.arm));
  const conditions = ground.followed.examples.map((example) => example.condition(key.condition));
  const { result, weights } = await trainOnPictures({
    name,
    model: stage,
    dataset: data.reference,
    condition: key.condition,
    recipe,
    seed: key.seed,
    engine: at.engine,
    directory,
    identity,
    checkpointEvery: 2 * at.profile.follow.every,
    evaluation: {
      every: recipe.steps,
      run: async ({ state }) => {
        const drawn = { count: conditions.length, drawing: model.drawing };
        const sampler = await compileCodeSampler({ ...first, ...stateTensors(state, 'p') }, drawn, at.engine);
        const images = await sampler.sample(conditions, key.seed).finally(() => sampler.release());
        const { reference, followed } = ground;
        return followedPictures(
          measured({ judges, reference, original: null, images, examples: followed.examples, condition: key.condition }),
        );
      },
    },
  });
  if (weights === null) throw new Interrupted();
  writeSafetensors(path.join(directory, file), { ...first, ...weights }, { metadata: { method: model.id, condition: key.condition } });
  return {
    parameters: { control: countParameters({ ...firstStage().modules, ...stage.modules }), inBase: 0 },
    losses: result.losses.map(({ loss }) => loss),
    curve: {
      steps: result.evaluations.map(({ step }) => step),
      perImage: result.evaluations.map(({ values }) => values['perImage'] as readonly number[]),
      pictures: result.evaluations.map(({ values }) => values['picture'] as string),
    },
  };
}

const macsOf = (model: PictureModel, recipe: PictureRecipe, name: string): number => {
  const { fn, signature } = trainStepFunction(pictureStep(model, recipe, name));
  return cost(trace(fn, signature)).macs;
};

/** Multiply-accumulates of one step of the second stage, and of all of the first. */
export function codeModelCost({ at }: Pick<Setting, 'at'>, arm: Arm, model: CodeModel): { step: number; before: number } {
  const [vq] = Object.values(firstStage().modules);
  const first: Weights = initialize(vq!, FIRST_SEED, 'vq');
  const recipe = firstRecipe(at.profile, model);
  return {
    step: macsOf(secondStage(first), ofPictures(recipeOf(at.profile, arm)), arm.label),
    before: recipe.steps * macsOf(firstStage(), recipe, arm.label),
  };
}
