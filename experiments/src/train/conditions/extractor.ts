import type { Json, RgbImage } from '@controllab/data';
import { ExperimentError } from '../../runner/errors.ts';

/** What makes a condition of a picture: a program or a model that the user names. */
export interface Extractor {
  /** In words, for the model card. */
  readonly label: string;
  /** Of everything that is known to decide what it makes. */
  readonly identity: Json;
  /** A condition of the picture's size. @throws ExperimentError invalid-option saying what it did instead */
  extract(image: RgbImage): Promise<RgbImage>;
  release(): Promise<void>;
}

export const refuse = (message: string, values: Record<string, unknown>, cause?: unknown): ExperimentError =>
  new ExperimentError('invalid-option', `train: ${message}`, values, { cause });
