import type { Json } from '@controllab/data';
import type { RgbImage } from '@controllab/data';
import { plain } from '../../../train/on-base.ts';
import type { ConditionId } from '../../conditions.ts';
import type { Drawn } from '../drawing/draw.ts';
import type { EvaluationSet } from '../drawing/evaluation-set.ts';
import { measured } from './measured.ts';
import { applies, type Measure } from './measures.ts';
import type { Ground, Setting } from '../training/train.ts';

/** One measure of pictures: a value a picture (null where it does not apply), or one in all. */
export type Values = readonly (number | null)[];

/** Names the scenes themselves among drawings: what a perfect model would draw. */
export const REAL = 'real';

/** Those scenes as drawn pictures. */
export const realPictures = (scenes: EvaluationSet): Promise<Drawn> =>
  Promise.resolve({ hash: `${REAL} ${scenes.hash}`, images: scenes.examples.map(({ image }) => image) });

/** Every measure that is defined for a condition, of pictures of the evaluated scenes: stored, or taken now. */
export async function storedMeasures(
  setting: Setting,
  measures: readonly Measure[],
  {
    hash,
    images,
    scenes,
    condition,
    ground: { reference },
  }: { hash: string; images: readonly RgbImage[]; scenes: EvaluationSet; condition: ConditionId; ground: Pick<Ground, 'reference'> },
): Promise<Record<string, Values>> {
  const { at, judges } = setting;
  const original = reference === setting.reference ? null : setting.reference;
  const pictures = measured({ images, examples: scenes.examples, condition, judges, reference, original });
  const taken: Record<string, Values> = {};
  for (const measure of measures) {
    if (!applies(measure, condition)) continue;
    const identity: Json = {
      measure: measure.id,
      revision: measure.revision,
      drawing: hash,
      condition,
      scenes: scenes.hash,
      judges: { ...judges.hashes },
      ...(measure.ofCarried === true ? { original: setting.base.hash } : {}),
      numerics: plain(at.numerics),
    };
    const { value } = await at.store.cell<Values>('measure', identity, async () => ({
      value: await measure.of(pictures),
    }));
    taken[measure.id] = value;
  }
  return taken;
}
