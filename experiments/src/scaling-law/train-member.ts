import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Base } from '@controllab/base-model';
import { initialize, parameterSpecs, withParameters, writeSafetensors } from '@controllab/core-blocks';
import { emojiScenes, SCENE_SEEDS, trainingMix } from '@controllab/emoji-scenes';
import { plainJson, type Json } from '@controllab/data';
import { COMMITTED_TIER, openMini, unetOfWidth, withUNet } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';
import {
  compileTrainStep,
  denoisingBatchModule,
  denoisingInputs,
  initialTrainState,
  learningRateOf,
  runTraining,
  startBatchWorker,
  stateTensors,
  TRAINING_REVISION,
  type Recipe,
} from '@controllab/training';
import { sceneLossPlan } from '../comparison/data/emoji-scenes.ts';
import { openLoss } from '../comparison/compute/judging/held-out-loss.ts';
import type { LossSize } from '../comparison/experiment.ts';
import { Interrupted } from '../runner/errors.ts';
import type { Stored } from '../runner/store.ts';
import { storedLatents, type Workplace } from '../runner/workplace.ts';

/** One training of the family: how wide, for how many steps, from which seed. */
export interface MemberKey {
  readonly width: number;
  readonly steps: number;
  readonly seed: number;
}

/** What all of them share. */
export interface FamilySetting {
  /** Scenes that are encoded; each is seen once before any comes again. */
  readonly scenes: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly heldOut: LossSize;
}

export interface MemberValue {
  readonly parameters: number;
  /** Scenes that it was trained on, counted as often as it saw them. */
  readonly samples: number;
  /** Operations of the training: two a multiply-accumulate of its graph, gradients and optimiser included. */
  readonly flops: number;
  /** On held-out scenes with a true caption, mean over scenes and timesteps. */
  readonly loss: number;
}

const STEPS_PER_RUN = 10;
const WEIGHTS = 'weights.safetensors';

/** The recipe of a member: the embedded default's own, its decay over the whole run, so that a longer one is another training. */
export const recipeOfMember = ({ scenes, batchSize, learningRate }: FamilySetting, { steps }: Pick<MemberKey, 'steps'>): Recipe => ({
  examples: scenes,
  batchSize,
  steps,
  learningRate,
  warmup: Math.min(100, Math.ceil(steps / 10)),
  schedule: 'cosine',
  promptDrop: 0.1,
  timesteps: 'stratified',
  weightDecay: 0.01,
  ema: null,
  order: 'epochs',
});

const openScenes = () => emojiScenes({ tier: COMMITTED_TIER, seed: SCENE_SEEDS.unet.seed, split: 'train', mix: trainingMix });

/** What a member's training is a pure function of. */
export async function memberIdentity({ numerics }: Pick<Workplace, 'numerics'>, family: FamilySetting, key: MemberKey): Promise<Json> {
  const { hashes } = openMini();
  const plan = await sceneLossPlan(family.heldOut);
  return {
    revision: TRAINING_REVISION,
    unet: plainJson(unetOfWidth(key.width)),
    encoder: hashes['vae']!,
    text: hashes['clip']!,
    dataset: (await openScenes()).hash,
    recipe: plainJson(recipeOfMember(family, key)),
    seed: key.seed,
    heldOut: { scenes: plan.scenes.hash, timesteps: [...plan.timesteps] },
    numerics: plainJson(numerics),
  };
}

export const labelOfMember = ({ width, steps, seed }: MemberKey): string => `width ${width}, ${steps} steps, seed ${seed}`;

/** A member of the family, trained from random weights and judged by its loss: stored, or done now. @throws Interrupted */
export async function storedMember(at: Workplace, family: FamilySetting, key: MemberKey): Promise<Stored<MemberValue>> {
  const identity = await memberIdentity(at, family, key);
  return at.store.cell('member', identity, async (directory) => {
    const config = unetOfWidth(key.width);
    const base = withUNet(openMini(), { config, weights: {}, hash: 'untrained' });
    const { weights, macs, parameters } = await trained(at, base, family, key, { directory, identity });
    const { batchSize } = family;
    const loss = await heldOutLossOf(at, withUNet(base, { config, weights, hash: 'trained' }), family.heldOut);
    writeSafetensors(path.join(directory, WEIGHTS), weights, {
      dtype: 'F16',
      metadata: {
        recipe: JSON.stringify(recipeOfMember(family, key)),
        seed: String(key.seed),
        parameters: String(parameters),
        quality: JSON.stringify({ 'held-out loss': loss }),
        vae: base.hashes['vae']!,
        clip: base.hashes['clip']!,
      },
    });
    return { value: { parameters, samples: batchSize * key.steps, flops: 2 * macs * key.steps, loss }, files: [WEIGHTS] };
  });
}

/** Where a stored member's weights lie, in half precision as the embedded default's parts: `--base mini-xs` and the like are such files. */
export const memberFile = ({ directory }: Pick<Stored<MemberValue>, 'directory'>): string => path.join(directory, WEIGHTS);

async function trained(
  at: Workplace,
  base: Base,
  family: FamilySetting,
  key: MemberKey,
  { directory, identity }: { directory: string; identity: Json },
): Promise<{ weights: Record<string, HostTensor>; macs: number; parameters: number }> {
  const recipe = recipeOfMember(family, key);
  const dataset = await openScenes();
  const latents = await storedLatents(at, base, dataset, family.scenes);
  const denoiser = base.denoiser();
  const { unet } = denoiser;
  const text = base.textEncoder()!;
  const inputs = Object.fromEntries(
    Object.entries(denoisingInputs({ denoiser, text }, recipe, undefined)).filter(([input]) => input !== 'condition'),
  );
  const name = labelOfMember(key);
  const trainable = parameterSpecs({ unet });
  const step = await compileTrainStep(
    {
      name,
      trainable,
      constants: Object.fromEntries(Object.entries(base.weights).filter(([full]) => full.startsWith('text.'))),
      inputs,
      optimizer: { weightDecay: recipe.weightDecay },
      loss: ({ params, constants, inputs: t }) =>
        withParameters({ unet, text: text.module }, { ...constants, ...params }, () => ({
          loss: tf.mean(tf.squaredDifference(denoiser.predict({ ...t, ...text.encode(t) }), t['target']!)) as tf.Scalar,
        })),
    },
    { ...at.engine, stepsPerRun: STEPS_PER_RUN },
  );
  try {
    const { status, state } = await runTraining({
      name,
      step,
      initialState: () => initialTrainState(initialize(unet, key.seed, 'unet'), { ema: false }),
      batches: startBatchWorker(
        denoisingBatchModule({
          phases: [{ from: 0, latents, dataset: dataset.reference }],
          tokenizer: base.tokenizer,
          schedule: base.schedule.config,
          prediction: base.prediction,
          recipe,
          seed: key.seed,
        }),
      ),
      totalSteps: key.steps,
      learningRate: learningRateOf(recipe),
      seed: key.seed,
      config: identity,
      directory,
      checkpointEvery: 200,
    });
    if (status !== 'finished') throw new Interrupted();
    const parameters = Object.values(trainable).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    return { weights: stateTensors(state, 'p'), macs: step.cost?.macs ?? NaN, parameters };
  } finally {
    await step.release();
  }
}

async function heldOutLossOf(at: Workplace, base: Base, size: LossSize): Promise<number> {
  const plan = await sceneLossPlan(size);
  const loss = await openLoss({ at, base }, { control: null, condition: 'canny', plan });
  try {
    const { perfect } = loss.of(await loss.predict({}));
    return perfect.flat().reduce((sum, one) => sum + one, 0) / perfect.flat().length;
  } finally {
    await loss.release();
  }
}
