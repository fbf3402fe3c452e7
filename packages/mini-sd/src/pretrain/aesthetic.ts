import * as tf from '@tensorflow/tfjs';
import { firstExamples } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import { rankingLoss } from '@controllab/metrics';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import { compileAesthetic, MiniAesthetic } from '../networks/aesthetic.ts';
import { ladder, type AestheticBatchData } from '../batches/aesthetic.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { stepsOfTier } from '../tier.ts';
import { pairsRankedRight } from './quality.ts';
import { runStage, type StageQuality } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

const aestheticRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.aesthetic.seed, split: 'train' } satisfies SceneSource,
  batchSize: 64,
  levels: 4,
  totalSteps: stepsOfTier(500, tier),
  peak: 1e-3,
  warmup: 50,
  weightDecay: 0.01,
  margin: 1,
});

/** The predictor that ranks pictures by how little they are spoilt. */
export async function pretrainAesthetic(options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const recipe = aestheticRecipe(tier);
  const { source, batchSize, levels, margin } = recipe;
  const predictor = new MiniAesthetic();
  return runStage(
    {
      part: 'aesthetic',
      title: 'mini-aesthetic: a predictor that ranks how little a picture is spoilt',
      recipe,
      identity: { recipe: JSON.stringify(recipe) },
      module: predictor,
      inputs: { images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] } },
      loss: ({ images }) => ({ loss: rankingLoss(tf.reshape(predictor.forward(images!), [batchSize / levels, levels]), margin) }),
      batches: {
        module: new URL('../batches/aesthetic.ts', import.meta.url),
        data: { source, batchSize, levels, seed: options.seed } satisfies AestheticBatchData,
      },
      stepsPerRun: 4,
      checkpointEvery: 100,
      measure: (weights) => rankingQuality(weights, tier),
    },
    options,
  );
}

const COUNT = 256;
/** Scenes in the report. */
const SHOWN = 8;

/** How often the less degraded of two versions of a held-out scene scores higher, by kind of degradation, and some ladders to look at. */
async function rankingQuality(weights: Record<string, HostTensor>, tier: Tier): Promise<StageQuality> {
  const { levels } = aestheticRecipe(tier);
  const { seed } = SCENE_SEEDS.aestheticQuality;
  const scenes = await firstExamples(await emojiScenes({ tier, seed, split: 'val-combination' }), COUNT);
  const ladders = scenes.map(({ captions, image }, index) => ({
    name: captions.caption,
    ...ladder(image, levels, { seed, index }),
  }));
  const scorer = await compileAesthetic(weights);
  const scores = await scorer.scores(ladders.flatMap(({ versions }) => versions));
  await scorer.release();
  const picture = (rgb: Uint8Array, alt: string, text: string) => ({ rgb, width: IMAGE_SIZE, height: IMAGE_SIZE, alt, caption: text });
  return {
    quality: pairsRankedRight(
      ladders.map(({ kind }) => kind),
      scores,
      levels,
    ),
    grid: {
      kind: 'image-grid',
      id: 'ladders',
      caption: 'Held-out scenes and more and more degraded versions with their scores.',
      columns: Array.from({ length: levels }, (_, level) => (level === 0 ? 'untouched' : `step ${level}`)),
      rows: ladders.slice(0, SHOWN).map(({ name, kind, versions }, n) => ({
        label: kind,
        detail: name,
        images: versions.map((rgb, level) => picture(rgb, `${kind}, step ${level}: ${name}`, scores[n * levels + level]!.toFixed(2))),
      })),
    },
  };
}
