import { createSampler, sampleInBatches, type Base, type Sampler } from '@controllab/base-model';
import { applyIncrements, weightIncrements } from '@controllab/controlnext';
import { readConstant } from '@controllab/core-blocks';
import { conditionBatch, type Json, type RgbImage } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { plain } from '../../train/on-base.ts';
import type { Stored } from '../../runner/store.ts';
import { firstOf, type EvaluationSet } from './evaluation-set.ts';
import { trainedFrom, type Arm, type Drawing } from '../experiment.ts';
import { readPictures, writePictures, type PictureSize } from './pictures.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from '../prompts.ts';
import { controlOf, storedTraining, weightsOf, type Setting, type TrainingValue } from './train.ts';

/** Raised with every change of drawing code that alters pictures. */
const DRAWING_REVISION = 2;
/** Pictures drawn at a time: more need memory and gain no speed. */
const BATCH = 32;

/** The scenes that a drawing is made for. */
export function drawnFor(setting: Pick<Setting, 'on'>, drawing: Pick<Drawing, 'scenes' | 'base' | 'data'>, seed: number): EvaluationSet {
  const all = setting.on(drawing).scenesOf(seed);
  return drawing.scenes === undefined ? all : firstOf(all, drawing.scenes);
}

/** What one drawing shows under one prompt setting, from one seed. */
export interface Drawn {
  /** Names it: measures are stored under it. */
  readonly hash: string;
  readonly images: readonly RgbImage[];
}

/** A condition as a network sees it. */
const seen = (picture: RgbImage, silent: boolean): RgbImage => (silent ? { ...picture, rgb: new Uint8Array(picture.rgb.length) } : picture);

/** The values of a training for a drawing's base: as they were trained, or what training changed in the base added to this one's. */
function carriedTo(setting: Setting, drawing: Drawing, arm: Arm, training: Stored<TrainingValue>): Record<string, HostTensor> {
  const weights = weightsOf(training);
  if (drawing.carried !== 'increments') return weights;
  const host = (of: Base): Record<string, HostTensor> =>
    Object.fromEntries(Object.keys(tuned).map((name) => [name, readConstant(of.weights[name]!)]));
  const tuned = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('unet.')));
  const increments = weightIncrements(tuned, host(setting.on(arm).base));
  return { ...weights, ...applyIncrements(increments, host(setting.on(drawing).base)) };
}

/**
 * The pictures of one drawing from one seed under each of its prompt settings, from the same noise for every drawing: stored, or drawn now.
 */
export async function storedDrawings(
  setting: Setting,
  drawing: Drawing,
  arms: readonly Arm[],
  seed: number,
  prompts: readonly PromptSettingId[],
): Promise<Record<string, Drawn>> {
  const { at } = setting;
  const scenes = drawnFor(setting, drawing, seed);
  const { controlIn = 'both', weighting = 'equal' } = drawing;
  const { base } = setting.on(drawing);
  const armOf = (id: string): Arm => arms.find((arm) => arm.id === id)!;
  const trainings: Stored<TrainingValue>[] = [];
  for (const { arm: id, condition } of drawing.controls) {
    const arm = armOf(id);
    trainings.push(await storedTraining(setting, { arm, condition, seed: trainedFrom(arm, seed) }));
  }
  const size = Math.min(scenes.examples.length, BATCH);
  let sampler: Sampler | null = null;
  const open = async (): Promise<Sampler> =>
    (sampler ??= await createSampler(
      base,
      {
        count: size,
        guidance: true,
        controlIn,
        weighting,
        controls: drawing.controls.map(({ arm, scale, as }) => ({ control: controlOf({ base }, as ?? armOf(arm).method), scale })),
      },
      at.engine,
    ));
  const drawn: Record<string, Drawn> = {};
  try {
    for (const prompt of drawing.prompts ?? prompts) {
      const { steps, solver = 'ddim' } = at.profile.drawn;
      const guidance = drawing.guidance ?? at.profile.drawn.guidance;
      const identity: Json = {
        revision: DRAWING_REVISION,
        base: base.hash,
        controls: drawing.controls.map(({ condition, scale, as, silent }, i) => ({
          training: trainings[i]!.hash,
          condition,
          scale,
          ...(as === undefined ? {} : { as: { id: as.id, config: plain(as.config) } }),
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
        numerics: plain(at.numerics),
      };
      const stored = await at.store.cell<PictureSize>('drawing', identity, async (directory) => {
        at.say(`drawing ${scenes.examples.length} pictures: ${drawing.label}, ${PROMPT_SETTINGS[prompt].label}, seed ${seed}`);
        const images = await sampleInBatches(await open(), {
          prompts: scenes.examples.map((example) => promptOf(example, prompt)),
          seed,
          steps,
          guidanceScale: guidance,
          solver,
          weights: drawing.controls.map(({ arm }, i) => carriedTo(setting, drawing, armOf(arm), trainings[i]!)),
          conditionsOf: (start, end) =>
            drawing.controls.map(({ condition, silent = false }) =>
              conditionBatch(scenes.examples.slice(start, end).map((example) => seen(example.condition(condition), silent))),
            ),
        });
        return writePictures(directory, images);
      });
      drawn[prompt] = { hash: stored.hash, images: readPictures(stored) };
    }
    return drawn;
  } finally {
    await (sampler as Sampler | null)?.release();
  }
}
