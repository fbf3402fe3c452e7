import type { Base } from '@controllab/base-model';
import { userPath } from '@controllab/command-line';
import { openUserData, type Dataset } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from '@controllab/mini-sd';
import { ExperimentError } from '../runner/errors.ts';
import type { TrainSettings } from './settings.ts';

/** The data set that is made up as it is read, by name. */
const EMOJI_SCENES = 'emoji-scenes';
/** Its scenes that are trained on where nobody says how many. */
const SCENES = 4096;
const SCENE_PIXELS = 64;

/** What is trained on. */
export interface TrainData {
  readonly dataset: Dataset;
  /** Of its first ones. */
  readonly examples: number;
  /** Rows that were passed over so far, in words. */
  problems(): readonly string[];
  close(): Promise<void>;
}

/** Scenes that the embedded default was not trained on. */
async function scenes({ resolution = SCENE_PIXELS, maxTrainSamples = SCENES, control }: TrainSettings): Promise<TrainData> {
  const fail = (message: string): never => {
    throw new ExperimentError('invalid-option', `train: ${EMOJI_SCENES} ${message}`, { resolution, control });
  };
  if (resolution !== SCENE_PIXELS) fail(`are ${SCENE_PIXELS} pixels; --resolution is ${resolution}.`);
  if (control === 'column') fail('have no column of conditions; give --control canny.');
  const dataset = await emojiScenes({
    tier: COMMITTED_TIER,
    seed: SCENE_SEEDS.controlTraining.seed,
    split: 'train',
    mix: trainingMix,
  });
  return { dataset, examples: maxTrainSamples, problems: () => [], close: async () => {} };
}

/** Opens the data that the flags name. @throws DataError for what cannot be read; ExperimentError invalid-option */
export async function openData(settings: TrainSettings, base: Base): Promise<TrainData> {
  if (settings.data === EMOJI_SCENES) return scenes(settings);
  const { control, maxTrainSamples, captions, onBadRow, allowOutside, crop, encoding } = settings;
  const columns = { image: settings.imageColumn, caption: settings.captionColumn, condition: settings.conditioningImageColumn };
  const dataset = await openUserData({
    data: userPath(settings.data),
    format: settings.dataFormat,
    columns: Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== undefined)),
    captions,
    resolution: settings.resolution ?? base.pixels,
    crop,
    onBadRow,
    allowOutside,
    encoding,
  });
  if (!dataset.conditions.includes(control)) {
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
    problems: () => dataset.problems.map(({ where, reason }) => `${where}: ${reason}`),
    close: () => dataset.close(),
  };
}
