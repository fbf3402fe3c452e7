import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSampler, sampleInBatches, type Base, type Sampler } from '@controllab/base-model';
import { applyIncrements, weightIncrements } from '@controllab/controlnext';
import { readConstant } from '@controllab/core-blocks';
import { conditionBatch, writeAtomic, type Json, type RgbImage } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { plain } from '../../train/on-base.ts';
import type { Stored } from '../../runner/store.ts';
import { firstOf, type EvaluationSet } from './evaluation-set.ts';
import type { Arm, Drawing } from '../experiment.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from '../prompts.ts';
import { controlOf, storedTraining, weightsOf, type Setting, type TrainingValue } from './train.ts';

/** Raised with every change of drawing code that alters pictures. */
const DRAWING_REVISION = 2;
/** Pictures drawn at a time: more need memory and gain no speed. */
const BATCH = 32;
const PICTURES = 'pictures.rgb';

/** The scenes that a drawing is made for. */
export function drawnFor(
  setting: Pick<Setting, 'on'>,
  { scenes: counts, base }: Pick<Drawing, 'scenes' | 'base'>,
  seed: number,
): EvaluationSet {
  const all = setting.on(base).scenesOf(seed);
  return counts === undefined ? all : firstOf(all, counts);
}

interface DrawingValue {
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** What one drawing shows under one prompt setting, from one seed. */
export interface Drawn {
  /** Names it: measures are stored under it. */
  readonly hash: string;
  readonly images: readonly RgbImage[];
}

function readPictures({ directory, value: { count, width, height } }: Stored<DrawingValue>): RgbImage[] {
  const bytes = new Uint8Array(readFileSync(path.join(directory, PICTURES)));
  const size = width * height * 3;
  return Array.from({ length: count }, (_, i) => ({ rgb: bytes.subarray(i * size, (i + 1) * size), width, height }));
}

/** A condition as a network sees it. */
const seen = (picture: RgbImage, silent: boolean): RgbImage => (silent ? { ...picture, rgb: new Uint8Array(picture.rgb.length) } : picture);

/** The values of a training for a drawing's base: as they were trained, or what training changed in the base added to this one's. */
function carriedTo(setting: Setting, { base, carried }: Drawing, arm: Arm, training: Stored<TrainingValue>): Record<string, HostTensor> {
  const weights = weightsOf(training);
  if (carried !== 'increments') return weights;
  const host = (of: Base): Record<string, HostTensor> =>
    Object.fromEntries(Object.keys(tuned).map((name) => [name, readConstant(of.weights[name]!)]));
  const tuned = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('unet.')));
  const increments = weightIncrements(tuned, host(setting.on(arm.base).base));
  return { ...weights, ...applyIncrements(increments, host(setting.on(base).base)) };
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
  const { base } = setting.on(drawing.base);
  const armOf = (id: string): Arm => arms.find((arm) => arm.id === id)!;
  const trainings: Stored<TrainingValue>[] = [];
  for (const { arm, condition } of drawing.controls) trainings.push(await storedTraining(setting, { arm: armOf(arm), condition, seed }));
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
      const stored = await at.store.cell<DrawingValue>('drawing', identity, async (directory) => {
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
        const { width, height } = images[0]!;
        await writeAtomic(path.join(directory, PICTURES), Buffer.concat(images.map(({ rgb }) => rgb)));
        return { value: { count: images.length, width, height }, files: [PICTURES] };
      });
      drawn[prompt] = { hash: stored.hash, images: readPictures(stored) };
    }
    return drawn;
  } finally {
    await (sampler as Sampler | null)?.release();
  }
}
