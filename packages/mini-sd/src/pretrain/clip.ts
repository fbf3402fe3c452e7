import { firstExamples } from '@controllab/data';
import { CONTEXT_LENGTH, emojiScenes, SCENE_SEEDS, vocabulary, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import type { ClipBatchData } from '../batches/clip.ts';
import { compileClip } from '../judges/clip-score.ts';
import { contrastiveLoss, MiniClip } from '../networks/clip.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { loadTrunk } from '../load-networks.ts';
import { stepsOfTier } from '../tier.ts';
import { countHigher, foundAmongAll } from './quality.ts';
import { runStage } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

export const clipRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.clip.seed, split: 'train' } satisfies SceneSource,
  batchSize: 128,
  totalSteps: stepsOfTier(900, tier),
  peak: 1e-3,
  warmup: 100,
  weightDecay: 0.01,
  noise: 0.3,
});

/**
 * Which of the two: the text tower of `clip` conditions the U-Net; `clip-judge`, of another seed and other scenes, computes CLIP scores.
 */
export type ClipPart = 'clip' | 'clip-judge';

/** A picture and a text tower, trained contrastively on scenes and captions with each caption's swapped twin as a negative. */
export async function pretrainClip(part: ClipPart, options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const { source, batchSize, noise, totalSteps } = clipRecipe(tier);
  const own =
    part === 'clip' ? { seed: options.seed, source } : { seed: options.seed + 1, source: { ...source, seed: SCENE_SEEDS.clipJudge.seed } };
  // The judge's eyes are mini-inception's to begin with, which saves half of the steps.
  const trunk = part === 'clip' ? null : loadTrunk(tier, 'vision_model.trunk.');
  const recipe = { ...clipRecipe(tier), source: own.source, totalSteps: trunk === null ? totalSteps : totalSteps / 2 };
  const clip = new MiniClip(vocabulary(tier).words.length);
  return runStage(
    {
      part,
      title: part === 'clip' ? 'mini-CLIP: the text encoder of the embedded default' : 'mini-CLIP, the judge',
      recipe,
      identity: { recipe: JSON.stringify(recipe), ...(trunk === null ? {} : { inception: trunk.hash }) },
      module: clip,
      ...(trunk === null ? {} : { start: trunk.tensors }),
      inputs: {
        images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
        ids: { shape: [2 * batchSize, CONTEXT_LENGTH], dtype: 'int32' },
      },
      loss: ({ images, ids }) => ({ loss: contrastiveLoss(clip.encodeImages(images!), clip.encodeTexts(ids!), clip.scale()) }),
      batches: {
        module: new URL('../batches/clip.ts', import.meta.url),
        data: { source: own.source, batchSize, seed: own.seed, noise } satisfies ClipBatchData,
      },
      stepsPerRun: 2,
      checkpointEvery: 100,
      measure: async (weights) => ({ quality: await retrievalQuality(weights, tier) }),
    },
    { ...options, seed: own.seed },
  );
}

/** Scenes among which a caption is looked for, and how often that is repeated with others. */
const CANDIDATES = 64;
const ROUNDS = 8;

/**
 * On held-out scenes: top-1 of finding a picture's caption among 64 and a caption's picture among 64, and how often a pair's picture is
 * nearer to its caption than to the caption with the names exchanged.
 */
async function retrievalQuality(weights: Record<string, HostTensor>, tier: Tier): Promise<Record<string, number>> {
  const clip = await compileClip(weights, tier, CANDIDATES);
  const found = { captions: 0, pictures: 0, unswapped: 0 };
  const { seed } = SCENE_SEEDS.clipQuality;
  const length = ROUNDS * CANDIDATES;
  const onlyPairs = { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 };
  const mixed = await firstExamples(await emojiScenes({ tier, seed, split: 'train', length }));
  const pairs = await firstExamples(await emojiScenes({ tier, seed, split: 'val-combination', mix: onlyPairs, length }));
  for (let start = 0; start < ROUNDS * CANDIDATES; start += CANDIDATES) {
    const candidates = mixed.slice(start, start + CANDIDATES);
    const among = foundAmongAll(
      await clip.similarities(
        candidates.map(({ image }) => image.rgb),
        candidates.map(({ captions }) => captions.caption),
      ),
    );
    found.captions += among.captions;
    found.pictures += among.pictures;
    const shown = pairs.slice(start, start + CANDIDATES);
    const images = shown.map(({ image }) => image.rgb);
    const right = await clip.scores(
      images,
      shown.map(({ captions }) => captions.caption),
    );
    const wrong = await clip.scores(
      images,
      shown.map(({ captions }) => captions.swapped),
    );
    found.unswapped += countHigher(right, wrong);
  }
  await clip.release();
  const share = (count: number): number => count / (CANDIDATES * ROUNDS);
  return {
    'caption among 64, top-1': share(found.captions),
    'picture among 64, top-1': share(found.pictures),
    'pairs told from swapped pairs': share(found.unswapped),
  };
}
