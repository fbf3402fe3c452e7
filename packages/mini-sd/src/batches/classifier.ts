import { normal, uniform } from '@controllab/core-blocks';
import { catalogue } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { IMAGE_SIZE } from '../models.ts';
import { writeImage } from '../pixels.ts';
import { openScenes, type SceneSource } from '../scenes.ts';

export interface ClassifierBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
  /** Largest standard deviation of the pixel noise that hardens the classifier against generated images. */
  noise: number;
}

/** Noisy scenes of one object with its number in the tier. */
export default async function classifierBatches({ source, batchSize, seed, noise }: ClassifierBatchData): Promise<MakeBatch> {
  const scenes = await openScenes(source);
  const classOf = new Map(catalogue(source.tier).map(({ id }, label) => [id, label]));
  const size = 3 * IMAGE_SIZE * IMAGE_SIZE;
  return (step) => {
    const indices = Array.from({ length: batchSize }, (_, n) => step * batchSize + n);
    const images = new Float32Array(batchSize * size);
    const labels = new Int32Array(batchSize);
    const strength = uniform(seed, 'noise-strength', step, batchSize);
    const pixels = normal(seed, 'pixel-noise', step, batchSize * size);
    indices.forEach((index, n) => {
      const spec = scenes.spec(index);
      writeImage(scenes.render(spec).rgb8, images, n);
      for (let j = n * size; j < (n + 1) * size; j++) images[j]! += noise * strength[n]! * pixels[j]!;
      labels[n] = classOf.get(spec.placements[0]!.object.id)!;
    });
    return { indices, inputs: { images: { data: images, shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] }, labels: { data: labels, shape: [batchSize] } } };
  };
}
