import * as tf from '@tensorflow/tfjs';
import { countParameters } from '@controllab/core-blocks';
import { caption } from '@controllab/emoji-scenes';
import type { ImageGrid } from '@controllab/report';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import type { SegmenterBatchData } from '../batches/segmenter.ts';
import { crossEntropy, SUBGROUPS } from '../inception.ts';
import { IMAGE_SIZE } from '../models.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
import { segment } from '../segment.ts';
import { MiniSegmenter } from '../segmenter.ts';
import { saveWeights } from '../weights.ts';
import { writeStageReport } from './stage-report.ts';
import { trainStage, type StageOptions } from './stage.ts';

export const SEGMENTER_RECIPE = {
  source: { tier: 'core', seed: 41, split: 'train' } satisfies SceneSource,
  batchSize: 32,
  totalSteps: 2000,
  peak: 2e-3,
  warmup: 100,
  weightDecay: 0.01,
  noise: 0.3,
};

/** The network that reads segmentation maps back from pictures. */
export async function pretrainSegmenter(options: StageOptions): Promise<TrainingResult> {
  const { source, batchSize, noise } = SEGMENTER_RECIPE;
  const segmenter = new MiniSegmenter();
  const trained = await trainStage(
    {
      part: 'segmenter',
      recipe: SEGMENTER_RECIPE,
      identity: { recipe: JSON.stringify(SEGMENTER_RECIPE) },
      module: segmenter,
      inputs: { images: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] }, classes: { shape: [batchSize, IMAGE_SIZE * IMAGE_SIZE], dtype: 'int32' } },
      loss: ({ images, classes }) => ({ loss: crossEntropy(segmenter.forward(images!), tf.oneHot(classes as tf.Tensor2D, SUBGROUPS)) }),
      batches: { module: new URL('../batches/segmenter.ts', import.meta.url), data: { source, batchSize, seed: options.seed, noise } satisfies SegmenterBatchData },
      stepsPerRun: 4,
      checkpointEvery: 200,
    },
    options,
  );
  if (trained.weights !== null) {
    const { quality, grid } = await segmentationQuality(trained.weights);
    saveWeights('segmenter', trained.weights, { recipe: JSON.stringify(SEGMENTER_RECIPE), seed: String(options.seed), parameters: String(countParameters(segmenter)), quality: JSON.stringify(quality) });
    await writeStageReport({ part: 'segmenter', title: 'mini-segmenter of the embedded default', seed: options.seed, recipe: SEGMENTER_RECIPE, trained, quality, grid });
  }
  return trained.result;
}
