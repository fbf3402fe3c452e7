import * as tf from '@tensorflow/tfjs';
import { firstExamples } from '@controllab/data';
import { emojiScenes, palette, SCENE_SEEDS, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import type { SegmenterBatchData } from '../batches/segmenter.ts';
import { crossEntropy, SUBGROUPS } from '../networks/inception.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { loadTrunk } from '../load-networks.ts';
import { compileSegmenter } from '../judges/segment.ts';
import { MiniSegmenter } from '../networks/segmenter.ts';
import { stepsOfTier } from '../tier.ts';
import { readBack } from './quality.ts';
import { runStage, type StageQuality } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

const segmenterRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.segmenter.seed, split: 'train' } satisfies SceneSource,
  batchSize: 32,
  totalSteps: stepsOfTier(1400, tier),
  peak: 2e-3,
  warmup: 100,
  weightDecay: 0.01,
  noise: 0.3,
});

/** The network that reads segmentation maps back from pictures. */
export async function pretrainSegmenter(options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const recipe = segmenterRecipe(tier);
  const { source, batchSize, noise } = recipe;
  const segmenter = new MiniSegmenter();
  const trunk = loadTrunk(tier, 'trunk.');
  return runStage(
    {
      part: 'segmenter',
      title: 'mini-segmenter of the embedded default',
      recipe,
      identity: { recipe: JSON.stringify(recipe), inception: trunk.hash },
      module: segmenter,
      start: trunk.tensors,
      inputs: {
        images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
        classes: { shape: [batchSize, IMAGE_SIZE * IMAGE_SIZE], dtype: 'int32' },
      },
      loss: ({ images, classes }) => ({ loss: crossEntropy(segmenter.forward(images!), tf.oneHot(classes as tf.Tensor2D, SUBGROUPS)) }),
      batches: {
        module: new URL('../batches/segmenter.ts', import.meta.url),
        data: { source, batchSize, seed: options.seed, noise } satisfies SegmenterBatchData,
      },
      stepsPerRun: 4,
      checkpointEvery: 200,
      metadata: () => ({ inception: trunk.hash }),
      measure: (weights) => segmentationQuality(weights, tier),
    },
    options,
  );
}

const COUNT = 512;
/** Scenes in the report. */
const SHOWN = 12;

/** mIoU on held-out scenes, which is the ceiling of what the segmenter can say of generated ones, and some maps to look at. */
async function segmentationQuality(weights: Record<string, HostTensor>, tier: Tier): Promise<StageQuality> {
  const scenes = await emojiScenes({ tier, seed: SCENE_SEEDS.segmenterQuality.seed, split: 'val-combination' });
  const drawn = (await firstExamples(scenes, COUNT)).map(({ captions, image, map }) => ({
    name: captions.caption,
    image,
    target: map('segmentation'),
  }));
  const segmenter = await compileSegmenter(weights);
  const predicted = await segmenter.segment(drawn.map(({ image }) => image.rgb));
  await segmenter.release();
  const map = (data: Uint8Array) => ({ data, width: IMAGE_SIZE, height: IMAGE_SIZE });
  const coloured = (labels: Uint8Array, alt: string) => ({
    rgb: Uint8Array.from({ length: labels.length * 3 }, (_, i) => palette[labels[Math.floor(i / 3)]! * 3 + (i % 3)]!),
    width: IMAGE_SIZE,
    height: IMAGE_SIZE,
    alt,
  });
  return {
    quality: readBack(drawn.map(({ target }, i) => ({ predicted: map(predicted[i]!), target: map(target) }))),
    grid: {
      kind: 'image-grid',
      id: 'maps',
      caption: 'Held-out scenes, their exact maps and what the segmenter reads.',
      columns: ['scene', 'exact map', 'predicted map'],
      rows: drawn.slice(0, SHOWN).map(({ name, image, target }, i) => ({
        label: `${i + 1}`,
        detail: name,
        images: [
          { ...image, alt: name },
          coloured(target, `Classes of: ${name}`),
          coloured(predicted[i]!, `Predicted classes of: ${name}`),
        ],
      })),
    },
  };
}
