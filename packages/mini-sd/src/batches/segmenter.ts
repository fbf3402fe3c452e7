import { emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { IMAGE_SIZE } from '../networks/models.ts';
import { noisyImages, sceneNumbers } from './noisy-images.ts';

export interface SegmenterBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
  /** Largest standard deviation of the pixel noise. */
  noise: number;
}

/** Images with the class of every pixel. */
export default async function segmenterBatches({ source, batchSize, seed, noise }: SegmenterBatchData): Promise<MakeBatch> {
  const scenes = await emojiScenes(source);
  const pixels = IMAGE_SIZE * IMAGE_SIZE;
  return async (step) => {
    const indices = sceneNumbers(step, batchSize);
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    const classes = new Int32Array(batchSize * pixels);
    const images = noisyImages(examples, { seed, step, strongest: noise }, ({ map }, n) => classes.set(map('segmentation'), n * pixels));
    return { indices, inputs: { images, classes: { data: classes, shape: [batchSize, pixels] } } };
  };
}
