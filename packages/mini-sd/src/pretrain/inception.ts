import * as tf from '@tensorflow/tfjs';
import { firstExamples } from '@controllab/data';
import { catalogue, emojiScenes, SCENE_SEEDS, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import type { InceptionBatchData } from '../batches/inception.ts';
import { CELLS, crossEntropy, MiniInception, SUBGROUPS } from '../networks/inception.ts';
import { compileJudge } from '../judges/judge.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { stepsOfTier } from '../tier.ts';
import { pairsRecognised, singlesRecognised } from './quality.ts';
import { runStage } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

const inceptionRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.inception.seed, split: 'train' } satisfies SceneSource,
  batchSize: 64,
  totalSteps: stepsOfTier(1600, tier),
  peak: 2e-3,
  warmup: 100,
  weightDecay: 0.01,
  noise: 0.3,
});

/** The classifier whose pooled features serve the Frechet distance, and which judges what generated pictures show. */
export async function pretrainInception(options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const recipe = inceptionRecipe(tier);
  const { source, batchSize, noise } = recipe;
  const objects = catalogue(tier).length;
  const inception = new MiniInception(objects);
  return runStage(
    {
      part: 'inception',
      title: 'mini-inception: the judge of the embedded default',
      recipe,
      identity: { recipe: JSON.stringify(recipe) },
      module: inception,
      inputs: {
        images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
        objects: { shape: [batchSize, objects] },
        subgroups: { shape: [batchSize, SUBGROUPS] },
        cells: { shape: [batchSize, CELLS * CELLS], dtype: 'int32' },
      },
      loss: (inputs) => {
        const found = inception.forward(inputs['images']!);
        const loss = tf.addN([
          crossEntropy(found.objects, inputs['objects']!),
          crossEntropy(found.subgroups, inputs['subgroups']!),
          crossEntropy(found.cells, tf.oneHot(inputs['cells'] as tf.Tensor2D, objects + 1)),
        ]);
        return { loss: loss as tf.Scalar };
      },
      batches: {
        module: new URL('../batches/inception.ts', import.meta.url),
        data: { source, batchSize, seed: options.seed, noise } satisfies InceptionBatchData,
      },
      stepsPerRun: 4,
      checkpointEvery: 200,
      measure: async (weights) => ({ quality: await recognitionQuality(weights, tier) }),
    },
    options,
  );
}

const COUNT = 512;

/** The judge on real scenes of another seed: the ceiling of what it can say of generated ones. */
async function recognitionQuality(weights: Record<string, HostTensor>, tier: Tier): Promise<Record<string, number>> {
  const judge = await compileJudge(weights, tier);
  const quality: Record<string, number> = {};
  const none = { largeSingle: 0, smallSingle: 0, pair: 0, row: 0 };
  for (const [kind, split] of [
    ['largeSingle', 'train'],
    ['smallSingle', 'train'],
    ['pair', 'val-combination'],
  ] as const) {
    const { seed } = SCENE_SEEDS.inceptionQuality;
    const scenes = await firstExamples(await emojiScenes({ tier, seed, split, mix: { ...none, [kind]: 1 } }), COUNT);
    const { verdicts } = await judge.judge(
      scenes.map(({ image }) => image.rgb),
      scenes.map(({ spec }) => spec),
    );
    Object.assign(
      quality,
      kind === 'pair' ? pairsRecognised(verdicts) : singlesRecognised(kind === 'largeSingle' ? 'large' : 'small', verdicts),
    );
  }
  await judge.release();
  return quality;
}
