import * as tf from '@tensorflow/tfjs';
import { countParameters } from '@controllab/core-blocks';
import { firstExamples } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import { rankingLoss } from '@controllab/metrics';
import type { ImageGrid } from '@controllab/report';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import { compileAesthetic, MiniAesthetic } from '../networks/aesthetic.ts';
import { ladder, type AestheticBatchData } from '../batches/aesthetic.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { stepsOfTier } from '../tier.ts';
import { saveWeights } from '../weights.ts';
import { writeStageReport } from './stage-report.ts';
import { trainStage, type StageOptions } from './stage.ts';

export const aestheticRecipe = (tier: Tier) => ({
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
  const trained = await trainStage(
    {
      part: 'aesthetic',
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
    },
    options,
  );
  if (trained.weights !== null) {
    const { quality, grid } = await rankingQuality(trained.weights, tier);
    saveWeights('aesthetic', tier, trained.weights, {
      recipe: JSON.stringify(recipe),
      seed: String(options.seed),
      parameters: String(countParameters(predictor)),
      quality: JSON.stringify(quality),
    });
    await writeStageReport({
      part: 'aesthetic',
      title: 'mini-aesthetic: a predictor that ranks how little a picture is spoilt',
      tier,
      seed: options.seed,
      recipe,
      trained,
      quality,
      grid,
    });
  }
  return trained.result;
}

const COUNT = 256;
/** Scenes in the report. */
const SHOWN = 8;

/** How often the less degraded of two versions of a held-out scene scores higher, by kind of degradation, and some ladders to look at. */
export async function rankingQuality(
  weights: Record<string, HostTensor>,
  tier: Tier,
): Promise<{ quality: Record<string, number>; grid: ImageGrid }> {
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
  const right = new Map<string, number[]>();
  ladders.forEach(({ kind }, n) => {
    for (let i = 0; i < levels; i++) {
      for (let j = i + 1; j < levels; j++) {
        const correct = Number(scores[n * levels + i]! > scores[n * levels + j]!);
        for (const name of ['all kinds', kind]) right.set(name, [...(right.get(name) ?? []), correct]);
      }
    }
  });
  const picture = (rgb: Uint8Array, alt: string, text: string) => ({ rgb, width: IMAGE_SIZE, height: IMAGE_SIZE, alt, caption: text });
  return {
    quality: Object.fromEntries(
      [...right].map(([kind, correct]) => [`pairs ranked right, ${kind}`, correct.reduce((a, b) => a + b, 0) / correct.length]),
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
