import { plainJson, type Json } from '@controllab/data';
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
  Promise.resolve({ hash: `${REAL} ${scenes.hash}`, label: 'the scenes themselves', images: scenes.examples.map(({ image }) => image) });

/** Pictures by their name, the scenes that they show, and the condition that they are held against. */
export interface Shown {
  readonly hash: string;
  readonly scenes: EvaluationSet;
  readonly condition: ConditionId;
  readonly ground: Pick<Ground, 'reference'>;
}

const identityOf = ({ at, base, judges }: Setting, { id, revision, ofCarried }: Measure, { hash, scenes, condition }: Shown): Json => ({
  measure: id,
  revision,
  drawing: hash,
  condition,
  scenes: scenes.hash,
  judges: { ...judges.hashes },
  ...(ofCarried === true ? { original: base.hash } : {}),
  numerics: plainJson(at.numerics),
});

/** Whether the store has every measure that is defined for the condition. */
export const hasMeasures = (setting: Setting, measures: readonly Measure[], shown: Shown): boolean =>
  measures.every((measure) => !applies(measure, shown.condition) || setting.at.store.has('measure', identityOf(setting, measure, shown)));

/** Every measure that is defined for a condition, of pictures of the evaluated scenes: stored, or taken now. */
export async function storedMeasures(
  setting: Setting,
  measures: readonly Measure[],
  shown: Shown & Drawn,
): Promise<Record<string, Values>> {
  const { at, judges } = setting;
  const {
    condition,
    images,
    label,
    scenes: { examples },
    ground: { reference },
  } = shown;
  const original = reference === setting.reference ? null : setting.reference;
  const pictures = measured({ images, examples, condition, judges, reference, original });
  const taken: Record<string, Values> = {};
  let told = false;
  for (const measure of measures) {
    if (!applies(measure, condition)) continue;
    const { value } = await at.store.cell<Values>('measure', identityOf(setting, measure, shown), async () => {
      if (!told) at.say(`measuring ${images.length} pictures: ${label}`);
      told = true;
      return { value: await measure.of(pictures) };
    });
    taken[measure.id] = value;
  }
  return taken;
}
