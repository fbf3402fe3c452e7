import { imageBatch, normal } from '@controllab/data';
import { emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { LATENT_CHANNELS, LATENT_SIZE } from '../networks/models.ts';

export interface VaeBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
}

/** Images and the noise of the posterior's sample; scene number = sample number, so no scene repeats. */
export default async function vaeBatches({ source, batchSize, seed }: VaeBatchData): Promise<MakeBatch> {
  const scenes = await emojiScenes(source);
  return async (step) => {
    const indices = Array.from({ length: batchSize }, (_, n) => step * batchSize + n);
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
    return {
      indices,
      inputs: {
        images: imageBatch(examples.map(({ image }) => image)),
        noise: { data: normal(seed, 'vae-noise', step, batchSize * LATENT_CHANNELS * LATENT_SIZE * LATENT_SIZE), shape: latent },
      },
    };
  };
}
