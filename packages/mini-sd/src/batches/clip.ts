import { CONTEXT_LENGTH, emojiScenes, tokenize, vocabulary, type SceneSource } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { noisyImages, sceneNumbers } from './noisy-images.ts';

export interface ClipBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
  /** Largest standard deviation of the pixel noise. */
  noise: number;
}

/** Images, and twice as many texts: the captions, then their false twins. */
export default async function clipBatches({ source, batchSize, seed, noise }: ClipBatchData): Promise<MakeBatch> {
  const scenes = await emojiScenes(source);
  const words = vocabulary(source.tier);
  return async (step) => {
    const indices = sceneNumbers(step, batchSize);
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    const ids = new Int32Array(2 * batchSize * CONTEXT_LENGTH);
    examples.forEach(({ captions }, n) => {
      ids.set(tokenize(captions.caption, words), n * CONTEXT_LENGTH);
      ids.set(tokenize(captions.swapped, words), (batchSize + n) * CONTEXT_LENGTH);
    });
    return {
      indices,
      inputs: {
        images: noisyImages(examples, { seed, step, strongest: noise }),
        ids: { data: ids, shape: [2 * batchSize, CONTEXT_LENGTH] },
      },
    };
  };
}
