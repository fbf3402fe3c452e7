import { userPath } from '@controllab/command-line';
import type { Base } from '@controllab/base-model';
import type { Dataset } from '@controllab/data';
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
  /** Rows that were skipped, in words. */
  readonly problems: readonly string[];
}

/** Scenes that the embedded default was not trained on. */
async function scenes({ resolution, maxTrainSamples = SCENES }: TrainSettings): Promise<TrainData> {
  if (resolution !== undefined && resolution !== SCENE_PIXELS)
    throw new ExperimentError('invalid-option', `train: ${EMOJI_SCENES} are ${SCENE_PIXELS} pixels; --resolution is ${resolution}.`, {
      resolution,
    });
  const dataset = await emojiScenes({
    tier: COMMITTED_TIER,
    seed: SCENE_SEEDS.controlTraining.seed,
    split: 'train',
    mix: trainingMix,
  });
  return { dataset, examples: maxTrainSamples, problems: [] };
}

/** Opens the data that the flags name. @throws DataError for what cannot be read; ExperimentError invalid-option */
export async function openData(settings: TrainSettings, base: Base): Promise<TrainData> {
  if (settings.data === EMOJI_SCENES) return scenes(settings);
  void userPath;
  void base;
  throw new ExperimentError('invalid-option', 'train: --data PATH comes with the readers');
}
