import type { MakeBatch } from '@controllab/training';
import { IMAGE_SIZE } from '../models.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
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
  const scenes = await openScenes(source, ['segmentation']);
  const pixels = IMAGE_SIZE * IMAGE_SIZE;
  return (step) => {
    const indices = sceneNumbers(step, batchSize);
    const specs = indices.map((index) => scenes.spec(index));
    const classes = new Int32Array(batchSize * pixels);
    const images = noisyImages(
      specs,
      (spec) => scenes.render(spec),
      { seed, step, strongest: noise },
      (n, buffers) => classes.set(buffers.segmentation!, n * pixels),
    );
    return { indices, inputs: { images, classes: { data: classes, shape: [batchSize, pixels] } } };
  };
}
