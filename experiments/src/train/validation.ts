import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { createSampler, sampleInBatches, type Base, type Sampler } from '@controllab/base-model';
import { userPath } from '@controllab/command-line';
import { canny, conditionBatch, firstExamples, jsonHash, pixelHash, writeAtomic, type RgbImage } from '@controllab/data';
import type { Method } from '@controllab/core-blocks';
import { edgeF1 } from '@controllab/metrics';
import { encodePng } from '@controllab/report';
import { stateTensors, type Evaluation, type EvaluationValues, type Recipe } from '@controllab/training';
import { loadCondition } from '../generate/condition.ts';
import { guidanceOf } from '../generate/options.ts';
import type { Workplace } from '../runner/workplace.ts';
import type { TrainData } from './data.ts';
import type { TrainSettings } from './settings.ts';

/** Examples of the data that are drawn where no prompts are given. */
const EXAMPLES = 4;
/** Pictures of the embedded default that are drawn at a time; of a base whose weights lie in files, one. */
const AT_ONCE = 16;

/** A picture that is drawn again and again while a network trains. */
export interface Validated {
  readonly prompt: string;
  readonly condition: RgbImage;
}

/** What is drawn: prompts with their images, or the first examples of the data. */
export async function validatedPictures(
  settings: TrainSettings,
  { dataset, examples, condition: shown, extractor }: TrainData,
  size: { width: number; height: number },
  warn: (message: string) => void,
): Promise<Validated[]> {
  const { validationPrompt: prompts = [], validationImage: images = [], numValidationImages, control } = settings;
  const each = <T>(one: T): T[] => Array<T>(numValidationImages).fill(one);
  if (prompts.length === 0)
    return (await firstExamples(dataset, Math.min(EXAMPLES, examples))).flatMap((example) =>
      each({ prompt: example.captions['caption'] ?? '', condition: example.condition(shown) }),
    );
  const rows = Math.max(prompts.length, images.length);
  const pictures: Validated[] = [];
  for (let i = 0; i < rows; i++) {
    const file = images[images.length === 1 ? 0 : i]!;
    const given = await loadCondition(userPath(file), control === 'canny' ? 'canny' : 'none', size, warn);
    const condition = extractor === null ? given : await extractor.extract(given);
    pictures.push(...each({ prompt: prompts[prompts.length === 1 ? 0 : i]!, condition }));
  }
  return pictures;
}

/** Guidance of a drawing. */
const guidanceOfDrawing = ({ validationGuidance, base }: TrainSettings): number => validationGuidance ?? guidanceOf(base);

/** Under what name the log's evaluations say what they were drawn under: those of another setting are none of these pictures. */
export const DRAWN_UNDER = 'drawn under';

/** Stands for all that decides a drawing and is no part of a training: prompts, conditions, guidance, sampling steps. */
export const drawnUnder = (settings: TrainSettings, pictures: readonly Validated[]): string =>
  jsonHash({
    pictures: pictures.map(({ prompt, condition }) => [prompt, pixelHash(condition)]),
    guidance: guidanceOfDrawing(settings),
    steps: settings.validationInferenceSteps,
  }).slice(0, 16);

/** Where the picture of a step lies in the training's folder. */
export const pictureName = (step: number, picture: number): string => `step-${String(step).padStart(8, '0')}-${picture + 1}.png`;

/** Reads a picture that validation wrote; null where it is gone. */
export async function readPicture(folder: string, step: number, picture: number): Promise<RgbImage | null> {
  const bytes = await readFile(path.join(folder, pictureName(step, picture))).catch(() => null);
  if (bytes === null) return null;
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { rgb: new Uint8Array(data), width: info.width, height: info.height };
}

const openSampler = (base: Base, method: Method, at: Workplace, size: { width: number; height: number }, count: number, guidance: number) =>
  createSampler(
    base,
    { count: Math.min(count, AT_ONCE), guidance: guidance > 1, controls: [{ control: method.create(base.denoiser().target) }], size },
    at.engine,
  );

/** Draws while a network trains. */
export interface Validation {
  readonly evaluation: Evaluation;
  release(): Promise<void>;
}

/** Draws the pictures and writes them into a folder; of Canny edges, says how well they are followed. */
export async function openValidation(
  given: {
    settings: TrainSettings;
    base: Base;
    recipe: Recipe;
    at: Workplace;
    pictures: readonly Validated[];
    size: { width: number; height: number };
  },
  folder: string,
): Promise<Validation> {
  const { settings, base, recipe, at, pictures, size } = given;
  const guidance = guidanceOfDrawing(settings);
  const setting = { [DRAWN_UNDER]: drawnUnder(settings, pictures) };
  const sampler: Sampler = await openSampler(base, settings.method, at, size, pictures.length, guidance);
  const draw = async (step: number, weights: Parameters<Evaluation['run']>[0]['state']): Promise<EvaluationValues> => {
    const drawn = await sampleInBatches(sampler, {
      prompts: pictures.map(({ prompt }) => prompt),
      seed: settings.seed,
      steps: settings.validationInferenceSteps,
      guidanceScale: guidance,
      conditionsOf: (start, end) => [conditionBatch(pictures.slice(start, end).map(({ condition }) => condition))],
      weights: [stateTensors(weights, recipe.ema === null ? 'p' : 'ema')],
    });
    for (const [i, image] of drawn.entries())
      await writeAtomic(path.join(folder, pictureName(step, i)), await encodePng(image.rgb, image.width, image.height));
    return settings.control === 'canny' ? { 'edge F1': meanEdgeF1(drawn, pictures), ...setting } : setting;
  };
  return {
    evaluation: { every: settings.validationSteps, run: ({ step, state }) => draw(step, state) },
    release: () => sampler.release(),
  };
}

/** How well edges are followed, with a tolerance of one pixel, by all pictures. */
function meanEdgeF1(drawn: readonly RgbImage[], pictures: readonly Validated[]): number {
  const scores = drawn.map(({ rgb, width, height }, i) => {
    const { rgb: condition } = pictures[i]!.condition;
    const edges = Uint8Array.from({ length: width * height }, (_, p) => condition[3 * p]!);
    return edgeF1(canny(rgb, width, height), edges, width, height, { tolerance: 1 }).f1;
  });
  return scores.reduce((a, b) => a + b, 0) / scores.length;
}
