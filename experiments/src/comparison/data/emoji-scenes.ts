import { jsonHash } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, trainingMix, type SceneExample, type SceneMix, type Style } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from '@controllab/mini-sd';
import { ExperimentError } from '../../runner/errors.ts';
import { drawnNow, REFERENCE_SCENES, type LazySet } from '../compute/drawing/evaluation-set.ts';
import type { LossPlan } from '../compute/judging/held-out-loss.ts';
import type { LossSize, SceneCounts } from '../experiment.ts';
import type { OpenComparedData, Unseen } from './compared-data.ts';

const tier = COMMITTED_TIER;

/** Side of the scenes in pixels: the default of `emojiScenes`, at which the judges were trained. */
const SIDE = 64;

const only = (kind: keyof SceneMix): SceneMix => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });

/** Large single objects in new placements and colours, and pairs of objects whose combination is held out of training. */
async function held(seed: number, { singles, pairs }: SceneCounts, { style, from = 0 }: { style: Style; from?: number }): Promise<LazySet> {
  const kinds = [
    { count: singles, scenes: await emojiScenes({ tier, seed, split: 'train', mix: only('largeSingle'), style }) },
    { count: pairs, scenes: await emojiScenes({ tier, seed, split: 'val-combination', mix: only('pair'), style }) },
  ].filter(({ count }) => count > 0);
  return {
    hash: jsonHash(kinds.map(({ count, scenes: { hash } }) => ({ hash, from: from * count, count }))),
    async examples() {
      const examples: SceneExample[] = [];
      for (const { count, scenes } of kinds) for (let i = 0; i < count; i++) examples.push(await scenes.example(from * count + i));
      return examples;
    },
  };
}

const SPLITS = { 'unseen-object': 'val-object', 'unseen-combination': 'val-combination' } as const satisfies Record<Unseen, string>;

/**
 * The first so many scenes on which the loss is taken, drawn as those of the trainings are, or such that hold what no training sees. Every
 * combination is of several objects: those scenes are pairs. `style`: default OpenMoji's.
 */
export async function sceneLossPlan(
  { scenes, timesteps }: LossSize,
  { unseen, style = 'openmoji' }: { unseen?: Unseen; style?: Style } = {},
): Promise<LossPlan> {
  const { seed } = SCENE_SEEDS.heldOutLoss;
  const mix = unseen === 'unseen-combination' ? only('pair') : trainingMix;
  const all = await emojiScenes({ tier, seed, split: unseen === undefined ? 'train' : SPLITS[unseen], mix, style });
  const examples = await Promise.all(Array.from({ length: scenes }, (_, i) => all.example(i)));
  return { scenes: { hash: jsonHash({ hash: all.hash, scenes }), examples }, timesteps };
}

/** @throws ExperimentError invalid-option for a base of other pictures */
function checkSide(pixels: number): void {
  if (pixels !== SIDE)
    throw new ExperimentError(
      'invalid-option',
      `emoji scenes have ${SIDE} x ${SIDE} pixels, and so do the networks that judge them; the base draws ${pixels} x ${pixels}: give --base one of that size`,
      { pixels },
    );
}

/** Emoji scenes of the pool that the embedded default knows, drawn as the base draws. */
export const sceneData: OpenComparedData = async ({ base, style }) => {
  checkSide(base.pixels);
  return {
    dataset: await emojiScenes({ tier, seed: SCENE_SEEDS.controlTraining.seed, split: 'train', mix: trainingMix, style }),
    async evaluation(counts, from) {
      const scenes = await held(SCENE_SEEDS.evaluation.seed, counts, { style, ...(from === undefined ? {} : { from }) });
      return { ...(await drawnNow(scenes)), singles: counts.singles };
    },
    loss: (size, unseen) => sceneLossPlan(size, { style, ...(unseen === undefined ? {} : { unseen }) }),
    reference({ singles, pairs }) {
      const scale = REFERENCE_SCENES / (singles + pairs);
      return held(SCENE_SEEDS.frechetReference.seed, { singles: Math.round(singles * scale), pairs: Math.round(pairs * scale) }, { style });
    },
  };
};
