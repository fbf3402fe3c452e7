import { jsonHash, type Dataset, type Example } from '@controllab/data';
import { seenExamples, type Recipe } from '@controllab/training';
import type { LossSize, SceneCounts } from '../../experiment.ts';
import type { LossPlan } from '../judging/held-out-loss.ts';

/** Scenes that pictures are drawn for, with what names them. */
export interface EvaluationSet {
  readonly hash: string;
  /** Single objects first, then pairs. */
  readonly examples: readonly Example[];
  /** How many of them are single objects. */
  readonly singles: number;
}

/** Scenes that are drawn when they are first needed: their name is known before. */
export interface LazySet {
  readonly hash: string;
  examples(): Promise<readonly Example[]>;
}

/** The same with its scenes. */
export const drawnNow = async ({ hash, examples }: LazySet): Promise<Pick<EvaluationSet, 'hash' | 'examples'>> => ({
  hash,
  examples: await examples(),
});

/** The first so many of each kind; the set itself where that is all of it. */
export function firstOf(set: EvaluationSet, { singles, pairs }: SceneCounts): EvaluationSet {
  const examples = [...set.examples.slice(0, Math.min(singles, set.singles)), ...set.examples.slice(set.singles, set.singles + pairs)];
  if (examples.length === set.examples.length) return set;
  return { ...set, hash: jsonHash({ of: set.hash, singles, pairs }), examples, singles: Math.min(singles, set.singles) };
}

/** So many scenes that a training saw, evenly spread over them in the order of their numbers. */
export async function trainedPlan(
  { scenes, timesteps }: LossSize,
  { dataset, recipe, seed }: { dataset: Dataset; recipe: Recipe; seed: number },
): Promise<LossPlan> {
  const indices = spread(seenExamples(recipe, seed), scenes);
  const examples = await Promise.all(indices.map((index) => dataset.example(index)));
  return { scenes: { hash: jsonHash({ hash: dataset.hash, indices }), examples }, timesteps };
}

/** So many of some numbers, evenly spread over them; all of them where there are no more. */
export const spread = (numbers: readonly number[], count: number): number[] =>
  numbers.length <= count ? [...numbers] : Array.from({ length: count }, (_, i) => numbers[Math.floor((i * numbers.length) / count)]!);

/** Real scenes behind the Fréchet distance. */
export const REFERENCE_SCENES = 1024;
