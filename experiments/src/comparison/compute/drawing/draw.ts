import { createSampler, sampleInBatches, type Base, type Sampler } from '@controllab/base-model';
import { applyIncrements, weightIncrements } from '@controllab/controlnext';
import { readConstant } from '@controllab/core-blocks';
import { conditionBatch, plainJson, type Json, type RgbImage } from '@controllab/data';
import { compileCodeSampler, type CodeModel } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Stored } from '../../../runner/store.ts';
import { firstOf, type EvaluationSet } from './evaluation-set.ts';
import { isCodeModel, methodOf, trainedFrom, type Arm, type Drawing, type DrawnControl } from '../../experiment.ts';
import { readPictures, writePictures, type PictureSize } from './pictures.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from '../../prompts.ts';
import {
  controlOf,
  storedTraining,
  trainingIdentity,
  weightsOf,
  type Setting,
  type TrainingKey,
  type TrainingValue,
} from '../training/train.ts';

/** Raised with every change of drawing code that alters pictures. */
const DRAWING_REVISION = 2;
/** The same of pictures drawn from codes. */
const CODES_REVISION = 1;
/** Pictures drawn at a time, at most: more need memory and gain no speed. */
const BATCH = 32;
/** So many at a time that the last ones are hardly fewer: a batch takes as long when it is not full. */
const evenBatch = (pictures: number): number => Math.ceil(pictures / Math.ceil(pictures / BATCH));

/** The scenes that a drawing is made for. */
export function drawnFor(setting: Pick<Setting, 'on'>, drawing: Pick<Drawing, 'scenes' | 'base' | 'data'>, seed: number): EvaluationSet {
  const all = setting.on(drawing).scenesOf(seed);
  return drawing.scenes === undefined ? all : firstOf(all, drawing.scenes);
}

/** What one drawing shows under one prompt setting, from one seed. */
export interface Drawn {
  /** Names it: measures are stored under it. */
  readonly hash: string;
  /** As messages call it. */
  readonly label: string;
  readonly images: readonly RgbImage[];
}

/** A condition as a network sees it. */
const seen = (picture: RgbImage, silent: boolean): RgbImage => (silent ? { ...picture, rgb: new Uint8Array(picture.rgb.length) } : picture);

/** The values of a training for a drawing's base: as they were trained, or what training changed in the base added to this one's. */
function carriedTo(setting: Setting, drawing: Drawing, arm: Arm, training: Made): Record<string, HostTensor> {
  const weights = weightsOf(training);
  if (drawing.carried !== 'increments') return weights;
  const host = (of: Base): Record<string, HostTensor> =>
    Object.fromEntries(Object.keys(tuned).map((name) => [name, readConstant(of.weights[name]!)]));
  const tuned = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('unet.')));
  const increments = weightIncrements(tuned, host(setting.on(arm).base));
  return { ...weights, ...applyIncrements(increments, host(setting.on(drawing).base)) };
}

/** A training: where its weights lie, and what it is called. */
type Made = Pick<Stored<TrainingValue>, 'directory' | 'hash'>;

/** What a drawing is made of: each of its controls with its arm and its training. */
interface Parts {
  readonly drawing: Drawing;
  readonly arms: readonly Arm[];
  readonly trainings: readonly Made[];
  readonly scenes: EvaluationSet;
  readonly seed: number;
}

/** Draws a drawing's scenes under a prompt setting. */
interface Pen {
  /** What the pictures are a pure function of. */
  identity(prompt: PromptSettingId): Json;
  draw(prompt: PromptSettingId): Promise<RgbImage[]>;
  release(): Promise<void>;
}

/** A base with the networks that control it, compiled when it is first asked to draw. */
function controlledPen(setting: Setting, { drawing, arms, trainings, scenes, seed }: Parts): Pen {
  const { at } = setting;
  const { controlIn = 'both', weighting = 'equal' } = drawing;
  const { base } = setting.on(drawing);
  const { steps, solver = 'ddim' } = at.profile.drawn;
  const guidance = drawing.guidance ?? at.profile.drawn.guidance;
  let sampler: Sampler | null = null;
  const open = async (): Promise<Sampler> =>
    (sampler ??= await createSampler(
      base,
      {
        count: evenBatch(scenes.examples.length),
        guidance: true,
        controlIn,
        weighting,
        controls: drawing.controls.map(({ scale, as }, i) => ({ control: controlOf({ base }, as ?? methodOf(arms[i]!)), scale })),
      },
      at.engine,
    ));
  return {
    identity: (prompt) => ({
      revision: DRAWING_REVISION,
      base: base.hash,
      controls: drawing.controls.map(({ condition, scale, as, silent }, i) => ({
        training: trainings[i]!.hash,
        condition,
        scale,
        ...(as === undefined ? {} : { as: { id: as.id, config: plainJson(as.config) } }),
        ...(silent === true ? { silent } : {}),
      })),
      ...(drawing.carried === undefined ? {} : { carried: drawing.carried }),
      controlIn,
      weighting,
      scenes: scenes.hash,
      prompt: PROMPT_SETTINGS[prompt].caption,
      seed,
      steps,
      guidance,
      solver,
      numerics: plainJson(at.numerics),
    }),
    draw: async (prompt) =>
      sampleInBatches(await open(), {
        prompts: scenes.examples.map((example) => promptOf(example, prompt)),
        seed,
        steps,
        guidanceScale: guidance,
        solver,
        weights: arms.map((arm, i) => carriedTo(setting, drawing, arm, trainings[i]!)),
        conditionsOf: (start, end) =>
          drawing.controls.map(({ condition, silent = false }) =>
            conditionBatch(scenes.examples.slice(start, end).map((example) => seen(example.condition(condition), silent))),
          ),
      }),
    release: async () => (sampler as Sampler | null)?.release(),
  };
}

/** A model of its own, which no prompt and no guidance reaches: its pictures are the same under every prompt setting. */
function codePen({ at }: Setting, { drawing, arms, trainings, scenes, seed }: Parts): Pen {
  const [control] = drawing.controls as [DrawnControl];
  const model = arms[0]!.method as CodeModel;
  return {
    identity: () => ({
      revision: CODES_REVISION,
      training: trainings[0]!.hash,
      condition: control.condition,
      ...(control.silent === true ? { silent: true } : {}),
      drawing: plainJson(model.drawing),
      scenes: scenes.hash,
      seed,
      numerics: plainJson(at.numerics),
    }),
    async draw() {
      const count = evenBatch(scenes.examples.length);
      const sampler = await compileCodeSampler(weightsOf(trainings[0]!), { count, drawing: model.drawing }, at.engine);
      const conditions = scenes.examples.map((example) => seen(example.condition(control.condition), control.silent === true));
      return sampler.sample(conditions, seed).finally(() => sampler.release());
    },
    release: async () => {},
  };
}

/** The arms of a drawing's controls. */
const armsIn = ({ controls }: Drawing, all: readonly Arm[]): Arm[] => controls.map(({ arm }) => all.find(({ id }) => id === arm)!);

/** The trainings that a drawing from one seed is made of, control by control. */
export const trainedFor = (drawing: Drawing, all: readonly Arm[], seed: number): TrainingKey[] =>
  armsIn(drawing, all).map((arm, i) => ({ arm, condition: drawing.controls[i]!.condition, seed: trainedFrom(arm, seed) }));

const penFor = (setting: Setting, parts: Parts): Pen =>
  (parts.arms.some(({ method }) => isCodeModel(method)) ? codePen : controlledPen)(setting, parts);

/** What names a drawing from one seed under each of its prompt settings; null where the store lacks one of them. */
export function drawingHashes(
  setting: Setting,
  drawing: Drawing,
  all: readonly Arm[],
  seed: number,
  prompts: readonly PromptSettingId[],
): string[] | null {
  const { store } = setting.at;
  const trainings = trainedFor(drawing, all, seed).map((key) => store.place('training', trainingIdentity(setting, key)));
  const pen = penFor(setting, { drawing, arms: armsIn(drawing, all), trainings, scenes: drawnFor(setting, drawing, seed), seed });
  const identities = (drawing.prompts ?? prompts).map((prompt) => pen.identity(prompt));
  return identities.every((identity) => store.has('drawing', identity))
    ? identities.map((identity) => store.place('drawing', identity).hash)
    : null;
}

/**
 * The pictures of one drawing from one seed under each of its prompt settings, from the same noise for every drawing: stored, or drawn now.
 */
export async function storedDrawings(
  setting: Setting,
  drawing: Drawing,
  all: readonly Arm[],
  seed: number,
  prompts: readonly PromptSettingId[],
): Promise<Record<string, Drawn>> {
  const { at } = setting;
  const scenes = drawnFor(setting, drawing, seed);
  const trainings: Stored<TrainingValue>[] = [];
  for (const key of trainedFor(drawing, all, seed)) trainings.push(await storedTraining(setting, key));
  const pen = penFor(setting, { drawing, arms: armsIn(drawing, all), trainings, scenes, seed });
  const drawn: Record<string, Drawn> = {};
  try {
    for (const prompt of drawing.prompts ?? prompts) {
      const label = `${drawing.label}, ${PROMPT_SETTINGS[prompt].label}, seed ${seed}`;
      const stored = await at.store.cell<PictureSize>('drawing', pen.identity(prompt), async (directory) => {
        at.say(`drawing ${scenes.examples.length} pictures: ${label}`);
        return writePictures(directory, await pen.draw(prompt));
      });
      drawn[prompt] = { hash: stored.hash, label, images: readPictures(stored) };
    }
    return drawn;
  } finally {
    await pen.release();
  }
}
