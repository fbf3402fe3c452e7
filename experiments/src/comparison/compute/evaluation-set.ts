import { jsonHash, type Dataset } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix, type SceneExample, type SceneMix, type Style, type Tier } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from '@controllab/mini-sd';
import { seenExamples, type Recipe } from '@controllab/training';
import type { LossSize, SceneCounts } from '../experiment.ts';
import type { LossPlan } from './held-out-loss.ts';

/** Scenes that pictures are drawn for, with what names them. */
export interface EvaluationSet {
  readonly hash: string;
  /** Single objects first, then pairs. */
  readonly examples: readonly SceneExample[];
  /** How many of them are single objects. */
  readonly singles: number;
  /** Whose drawings they show. */
  readonly style: Style;
}

/** The first so many of each kind; the set itself where that is all of it. */
export function firstOf(set: EvaluationSet, { singles, pairs }: SceneCounts): EvaluationSet {
  const examples = [...set.examples.slice(0, Math.min(singles, set.singles)), ...set.examples.slice(set.singles, set.singles + pairs)];
  if (examples.length === set.examples.length) return set;
  return { ...set, hash: jsonHash({ of: set.hash, singles, pairs }), examples, singles: Math.min(singles, set.singles) };
}

const only = (kind: keyof SceneMix): SceneMix => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });

/** How many scenes of each kind, behind `from` times as many that others have. */
interface Held extends SceneCounts {
  readonly from?: number;
  /** Default OpenMoji's. */
  readonly style?: Style;
}

async function held(tier: Tier, seed: number, { singles, pairs, from = 0, style = 'openmoji' }: Held): Promise<EvaluationSet> {
  const kinds = [
    { count: singles, scenes: await emojiScenes({ tier, seed, split: 'train', mix: only('largeSingle'), style }) },
    { count: pairs, scenes: await emojiScenes({ tier, seed, split: 'val-combination', mix: only('pair'), style }) },
  ].filter(({ count }) => count > 0);
  const examples: SceneExample[] = [];
  for (const { count, scenes } of kinds) for (let i = 0; i < count; i++) examples.push(await scenes.example(from * count + i));
  return { hash: jsonHash(kinds.map(({ count, scenes: { hash } }) => ({ hash, from: from * count, count }))), examples, singles, style };
}

/**
 * Scenes that no training draws: large single objects in new placements and colours, and pairs of objects whose combination is held out of
 * training. The same for every arm and profile; `from` k gives those that stand behind k sets of this size.
 */
export const evaluationSet = (tier: Tier, counts: Held): Promise<EvaluationSet> => held(tier, SCENE_SEEDS.evaluation.seed, counts);

const SPLITS = { 'unseen-object': 'val-object', 'unseen-combination': 'val-combination' } as const;

/**
 * The first so many scenes on which the loss is taken, drawn as those of the trainings are, or such that hold what no training sees. Every
 * combination is of several objects: those scenes are pairs. `style`: default OpenMoji's.
 */
export async function lossPlan(
  { scenes, timesteps }: LossSize,
  { unseen, style = 'openmoji' }: { unseen?: keyof typeof SPLITS; style?: Style } = {},
): Promise<LossPlan> {
  const { seed } = SCENE_SEEDS.heldOutLoss;
  const mix = unseen === 'unseen-combination' ? only('pair') : trainingMix;
  const all = await emojiScenes({ tier: COMMITTED_TIER, seed, split: unseen === undefined ? 'train' : SPLITS[unseen], mix, style });
  const examples = await Promise.all(Array.from({ length: scenes }, (_, i) => all.example(i)));
  return { scenes: { hash: jsonHash({ hash: all.hash, scenes }), examples }, timesteps };
}

/** So many scenes that a training saw, evenly spread over them in the order of their numbers. */
export async function trainedPlan(
  { scenes, timesteps }: LossSize,
  { dataset, recipe, seed }: { dataset: Dataset<SceneExample>; recipe: Recipe; seed: number },
): Promise<LossPlan> {
  const indices = spread(seenExamples(recipe, seed), scenes);
  const examples = await Promise.all(indices.map((index) => dataset.example(index)));
  return { scenes: { hash: jsonHash({ hash: dataset.hash, indices }), examples }, timesteps };
}

/** So many of some numbers, evenly spread over them; all of them where there are no more. */
export const spread = (numbers: readonly number[], count: number): number[] =>
  numbers.length <= count ? [...numbers] : Array.from({ length: count }, (_, i) => numbers[Math.floor((i * numbers.length) / count)]!);

/** Real scenes behind the Fréchet distance. */
const REFERENCE = 1024;

/** Real scenes of the same kinds in the same proportion that are evaluated nowhere else. */
export function referenceSet(tier: Tier, { singles, pairs }: SceneCounts, style: Style): Promise<EvaluationSet> {
  const scale = REFERENCE / (singles + pairs);
  return held(tier, SCENE_SEEDS.frechetReference.seed, { singles: Math.round(singles * scale), pairs: Math.round(pairs * scale), style });
}
