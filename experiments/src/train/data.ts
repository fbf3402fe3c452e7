import { existsSync } from 'node:fs';
import type { Base } from '@controllab/base-model';
import { userPath } from '@controllab/command-line';
import { NO_COLUMN, openUserData } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix } from '@controllab/emoji-scenes';
import { fill50k } from '@controllab/fill50k';
import { COMMITTED_TIER } from '@controllab/mini-sd';
import { ExperimentError } from '../runner/errors.ts';
import type { FirstPictures } from '../runner/workplace.ts';
import { checkBucketStep } from './buckets.ts';
import { commandExtractor } from './conditions/command-extractor.ts';
import { COMPUTED, computeConditions } from './conditions/computed.ts';
import type { Extractor } from './conditions/extractor.ts';
import { modelExtractor } from './conditions/model-extractor.ts';
import type { TrainSettings } from './settings.ts';

/** Scenes that are trained on where nobody says how many. */
const SCENES = 4096;
const SCENE_PIXELS = 64;

/** What is trained on. */
export interface TrainData extends FirstPictures {
  /** What the dataset calls the condition that `--control` names. */
  readonly condition: string;
  /** What makes conditions of other pictures; null where a condition is given, or Canny edges. */
  readonly extractor: Extractor | null;
  close(): Promise<void>;
}

const refuse = (settings: TrainSettings, message: string): never => {
  const { data, resolution, control } = settings;
  throw new ExperimentError('invalid-option', `train: ${data} ${message}`, { data, resolution, control });
};

type MadeUp = Pick<TrainData, 'dataset' | 'examples' | 'condition'>;

/** Scenes that the embedded default was not trained on. */
async function scenes(settings: TrainSettings): Promise<MadeUp> {
  const { resolution = SCENE_PIXELS, maxTrainSamples = SCENES, control } = settings;
  if (resolution !== SCENE_PIXELS) refuse(settings, `are ${SCENE_PIXELS} pixels; --resolution is ${resolution}.`);
  if (control === 'column') refuse(settings, 'have no column of conditions; give --control canny.');
  const dataset = await emojiScenes({
    tier: COMMITTED_TIER,
    seed: SCENE_SEEDS.controlTraining.seed,
    split: 'train',
    mix: trainingMix,
  });
  return { dataset, examples: maxTrainSamples, condition: control };
}

/** The tutorial's circles; their column of conditions is the outlines, `source`. */
async function circles(settings: TrainSettings, base: Base): Promise<MadeUp> {
  const { resolution = base.pixels, maxTrainSamples, control } = settings;
  const dataset = fill50k({ size: resolution, ...(maxTrainSamples === undefined ? {} : { length: maxTrainSamples }) });
  return { dataset, examples: dataset.length, condition: control === 'column' ? 'source' : control };
}

/** Data sets that are made up as they are read, by name. */
const MADE_UP = { 'emoji-scenes': scenes, fill50k: circles } as const;

const isMadeUp = (name: string): name is keyof typeof MADE_UP => Object.hasOwn(MADE_UP, name);

/** @throws ExperimentError invalid-option for flags that say how files are read */
async function openMadeUp(
  name: keyof typeof MADE_UP,
  settings: TrainSettings,
  base: Base,
  say: (message: string) => void,
): Promise<TrainData> {
  const { dataFormat, imageColumn, captionColumn, conditioningImageColumn, encoding, onBadRow, allowOutside } = settings;
  const given = { 'data-format': dataFormat, 'image-column': imageColumn, 'caption-column': captionColumn, encoding };
  const files = Object.entries({
    ...given,
    'conditioning-image-column': conditioningImageColumn,
    'on-bad-row': onBadRow === 'skip' ? onBadRow : undefined,
    'allow-outside': allowOutside ? allowOutside : undefined,
  });
  for (const [flag, value] of files)
    if (value !== undefined) refuse(settings, `is made up as it is read, not read from files: leave --${flag} out.`);
  if (settings.aspectBuckets) refuse(settings, 'is of squares, which are one bucket: leave --aspect-buckets out.');
  if (settings.crop === 'random') refuse(settings, 'is of squares, of which nothing is cut: leave --crop out.');
  if (settings.captions === 'none') refuse(settings, 'has captions; to train without, give --proportion-empty-prompts 1.');
  if (existsSync(userPath(name))) say(`Warning: ${name} is the data set of that name; for the folder here write --data ./${name}.`);
  return { ...(await MADE_UP[name](settings, base)), extractor: null, problems: () => [], close: async () => {} };
}

/** The conditions that a program or a model makes; in a dry run of the first picture alone, which shows that it can. */
async function withExtractor(settings: TrainSettings, data: TrainData, { store, say }: Place): Promise<TrainData> {
  const { conditionCommand, conditionModel, threads, dryRun } = settings;
  const opening =
    conditionCommand !== undefined
      ? commandExtractor(conditionCommand)
      : conditionModel !== undefined
        ? modelExtractor(userPath(conditionModel), { threads })
        : null;
  if (opening === null) return data;
  const extractor = await opening;
  const close = async (): Promise<void> => void (await Promise.all([data.close(), extractor.release()]));
  try {
    if (dryRun) await extractor.extract((await data.dataset.example(0)).image);
    const dataset = dryRun ? data.dataset : await computeConditions(data.dataset, data.examples, extractor, { store, say });
    return { ...data, dataset, condition: COMPUTED, extractor, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where conditions are kept, and who is told. */
interface Place {
  readonly store: string;
  say(message: string): void;
}

/** Opens the data that the flags name. @throws DataError for what cannot be read; ExperimentError invalid-option */
export async function openData(settings: TrainSettings, base: Base, at: Place): Promise<TrainData> {
  const opened = isMadeUp(settings.data) ? await openMadeUp(settings.data, settings, base, at.say) : await openFiles(settings, base);
  return withExtractor(settings, opened, at);
}

async function openFiles(settings: TrainSettings, base: Base): Promise<TrainData> {
  const { control, maxTrainSamples, captions, onBadRow, allowOutside, crop, encoding } = settings;
  // A condition that is not trained on need not be there, nor whole, nor the only one.
  const condition = control === 'column' ? settings.conditioningImageColumn : NO_COLUMN;
  const columns = { image: settings.imageColumn, caption: settings.captionColumn, condition };
  const dataset = await openUserData({
    data: userPath(settings.data),
    format: settings.dataFormat,
    columns: Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== undefined)),
    captions,
    resolution: settings.resolution ?? base.pixels,
    ...(settings.aspectBuckets ? { bucketStep: checkBucketStep(base, settings.bucketStep) } : {}),
    crop,
    onBadRow,
    allowOutside,
    encoding,
  });
  if (control === 'column' && !dataset.conditions.includes(control)) {
    await dataset.close();
    throw new ExperimentError(
      'invalid-option',
      `train: ${settings.data} has no column of condition pictures; name it with --conditioning-image-column, or give --control canny.`,
      { control, conditions: dataset.conditions },
    );
  }
  return {
    dataset,
    examples: Math.min(maxTrainSamples ?? dataset.length, dataset.length),
    condition: control,
    extractor: null,
    problems: () => dataset.problems.map(({ where, reason }) => `${where}: ${reason}`),
    close: () => dataset.close(),
  };
}
