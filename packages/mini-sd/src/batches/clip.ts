import { caption, CONTEXT_LENGTH, swappedCaption, tokenize, vocabulary } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { openScenes, type SceneSource } from '../scenes.ts';
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
  const scenes = await openScenes(source);
  const words = vocabulary(source.tier);
  return (step) => {
    const indices = sceneNumbers(step, batchSize);
    const specs = indices.map((index) => scenes.spec(index));
    const ids = new Int32Array(2 * batchSize * CONTEXT_LENGTH);
    specs.forEach((spec, n) => {
      ids.set(tokenize(caption(spec.parts), words), n * CONTEXT_LENGTH);
      ids.set(tokenize(swappedCaption(spec), words), (batchSize + n) * CONTEXT_LENGTH);
    });
    return {
      indices,
      inputs: {
        images: noisyImages(specs, scenes.render, { seed, step, strongest: noise }),
        ids: { data: ids, shape: [2 * batchSize, CONTEXT_LENGTH] },
      },
    };
  };
}
