import { jsonHash } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, type SceneExample, type SceneMix, type Tier } from '@controllab/emoji-scenes';

/** Scenes that pictures are drawn for, with what names them. */
export interface EvaluationSet {
  readonly hash: string;
  readonly examples: readonly SceneExample[];
}

const only = (kind: keyof SceneMix): SceneMix => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });

async function held(tier: Tier, seed: number, singles: number, pairs: number): Promise<EvaluationSet> {
  const parts = await Promise.all([
    emojiScenes({ tier, seed, split: 'train', mix: only('largeSingle'), length: singles }),
    emojiScenes({ tier, seed, split: 'val-combination', mix: only('pair'), length: pairs }),
  ]);
  const examples: SceneExample[] = [];
  for (const part of parts) for (let i = 0; i < part.length; i++) examples.push(await part.example(i));
  return { hash: jsonHash(parts.map(({ hash, length }) => ({ hash, length }))), examples };
}

/**
 * Scenes that no training draws: large single objects in new placements and colours, and pairs of objects whose combination is held out of
 * training. The same for every arm, seed and profile.
 */
export const evaluationSet = (tier: Tier, { singles, pairs }: { singles: number; pairs: number }): Promise<EvaluationSet> =>
  held(tier, SCENE_SEEDS.evaluation.seed, singles, pairs);

/** Real scenes behind the Fréchet distance. */
const REFERENCE = 1024;

/** Real scenes of the same kinds in the same proportion that are evaluated nowhere else. */
export function referenceSet(tier: Tier, { singles, pairs }: { singles: number; pairs: number }): Promise<EvaluationSet> {
  const scale = REFERENCE / (singles + pairs);
  return held(tier, SCENE_SEEDS.frechetReference.seed, Math.round(singles * scale), Math.round(pairs * scale));
}
