import { normal } from '@controllab/data';
import type { MakeBatch } from '@controllab/training';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE } from '../models.ts';
import { writeImage } from '@controllab/data';
import { openScenes, type SceneSource } from '../scenes.ts';

export interface VaeBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
}

/** Images and the noise of the posterior's sample; scene number = sample number, so no scene repeats. */
export default async function vaeBatches({ source, batchSize, seed }: VaeBatchData): Promise<MakeBatch> {
  const scenes = await openScenes(source);
  return (step) => {
    const indices = Array.from({ length: batchSize }, (_, n) => step * batchSize + n);
    const images = new Float32Array(batchSize * 3 * IMAGE_SIZE * IMAGE_SIZE);
    indices.forEach((index, n) => writeImage(scenes.render(scenes.spec(index)).rgb8, images, n));
    const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
    return {
      indices,
      inputs: {
        images: { data: images, shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
        noise: { data: normal(seed, 'vae-noise', step, batchSize * LATENT_CHANNELS * LATENT_SIZE * LATENT_SIZE), shape: latent },
      },
    };
  };
}
