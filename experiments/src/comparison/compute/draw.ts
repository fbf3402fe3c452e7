import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSampler, sampleInBatches, type Base, type Sampler } from '@controllab/base-model';
import { conditionBatch, writeAtomic, type Json, type RgbImage } from '@controllab/data';
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
export function drawnFor(setting: Pick<Setting, 'scenesOf'>, { scenes: counts }: Pick<Drawing, 'scenes'>, seed: number): EvaluationSet {
  const all = setting.scenesOf(seed);
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

/**
 * The pictures of one drawing from one seed under each of its prompt settings, from the same noise for every drawing: stored, or drawn now.
 */
export async function storedDrawings(
  setting: Setting,
  drawing: Drawing,
  arms: readonly Arm[],
  seed: number,
  prompts: readonly PromptSettingId[],
  baseOf: (id: string) => Promise<Base>,
): Promise<Record<string, Drawn>> {
  const { at } = setting;
  const scenes = drawnFor(setting, drawing, seed);
  const { controlIn = 'both', weighting = 'equal' } = drawing;
  const base = drawing.base === undefined ? setting.base : await baseOf(drawing.base);
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
        controls: drawing.controls.map(({ arm, scale }) => ({ control: controlOf({ base }, armOf(arm)), scale })),
      },
      at.engine,
    ));
  const drawn: Record<string, Drawn> = {};
  try {
    for (const prompt of drawing.prompts ?? prompts) {
      const { steps, guidance, solver = 'ddim' } = at.profile.drawn;
      const identity: Json = {
        revision: DRAWING_REVISION,
        base: base.hash,
        controls: drawing.controls.map(({ condition, scale }, i) => ({ training: trainings[i]!.hash, condition, scale })),
        controlIn,
        weighting,
        scenes: scenes.hash,
        prompt: PROMPT_SETTINGS[prompt].caption,
        seed,
        steps,
        guidance,
        solver,
        numerics: JSON.parse(JSON.stringify(at.numerics)) as Json,
      };
      const stored = await at.store.cell<DrawingValue>('drawing', identity, async (directory) => {
        at.say(`drawing ${scenes.examples.length} pictures: ${drawing.label}, ${PROMPT_SETTINGS[prompt].label}, seed ${seed}`);
        const images = await sampleInBatches(await open(), {
          prompts: scenes.examples.map((example) => promptOf(example, prompt)),
          seed,
          steps,
          guidanceScale: guidance,
          solver,
          weights: trainings.map(weightsOf),
          conditionsOf: (start, end) =>
            drawing.controls.map(({ condition }) =>
              conditionBatch(scenes.examples.slice(start, end).map((example) => example.condition(condition))),
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
