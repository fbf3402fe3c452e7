import type { Example, RgbImage } from '@controllab/data';
import type { SceneExample } from '@controllab/emoji-scenes';
import type { Features } from '@controllab/metrics';
import type { Judges, Verdict } from '@controllab/mini-sd';
import { ExperimentError } from '../../../runner/errors.ts';
import type { ConditionId } from '../../conditions.ts';

/** Pictures, the scenes that they were drawn for, and who judges them. */
export interface Judged {
  readonly images: readonly RgbImage[];
  readonly examples: readonly Example[];
  /** The condition that the pictures are held against. */
  readonly condition: ConditionId;
  readonly judges: Judges;
  /** mini-inception's features of real scenes that are evaluated nowhere else, [N, 256]. */
  reference(): Promise<Features>;
  /** The same of the profile's own base, where the pictures were drawn on another one; else null. */
  readonly original: (() => Promise<Features>) | null;
}

/** What a measure is given: what networks see in these pictures is computed when it is first asked for, once for all measures of them. */
export interface Measured extends Judged {
  /** mini-inception's features, [N, 256]. */
  features(): Promise<Features>;
  /** What mini-inception says of each picture. @throws ExperimentError invalid-option where it should show something else than a scene */
  verdicts(): Promise<readonly Verdict[]>;
  /** The class of every pixel of each picture, by the mini-segmenter. */
  segments(): Promise<readonly Uint8Array[]>;
}

const isScene = (example: Example): example is SceneExample => 'map' in example;

/** @throws ExperimentError invalid-option where pictures were drawn for something else: a mistake of the experiment's declaration */
export function scenesOf(examples: readonly Example[]): readonly SceneExample[] {
  if (examples.every(isScene)) return examples;
  throw new ExperimentError('invalid-option', 'a measure of emoji scenes was asked for pictures that are not of emoji scenes');
}

const once = <T>(compute: () => Promise<T>): (() => Promise<T>) => {
  let computed: Promise<T> | null = null;
  return () => (computed ??= compute());
};

/** Pictures for any number of measures. */
export function measured(judged: Judged): Measured {
  const { images, examples, judges } = judged;
  const pixels = images.map(({ rgb }) => rgb);
  const inception = once(async () => {
    const judge = await judges.inception();
    if (!examples.every(isScene)) return { features: await judge.features(pixels), verdicts: [] };
    return judge.judge(
      pixels,
      examples.map(({ spec }) => spec),
    );
  });
  return {
    ...judged,
    features: async () => (await inception()).features,
    verdicts: async () => {
      scenesOf(examples);
      return (await inception()).verdicts;
    },
    segments: once(async () => (await judges.segmenter()).segment(pixels)),
  };
}
