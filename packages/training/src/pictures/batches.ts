import { conditionBatch, imageBatch, openDataset, type DatasetReference } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { MakeBatch } from '../batch.ts';
import { drawnExamples } from '../denoising/drawn-examples.ts';
import type { Recipe } from '../denoising/recipe.ts';

/** All that the worker which makes batches of pictures is told: plain data. */
export interface PictureBatchData {
  readonly dataset: DatasetReference;
  readonly recipe: Pick<Recipe, 'examples' | 'batchSize' | 'accumulation' | 'order'>;
  readonly seed: number;
  /** Adds this condition of each example as input `condition`. */
  readonly condition?: string;
}

/**
 * Pictures themselves, `images` [N, 3, H, W] in [-1, 1], and a condition [N, 3, H, W] in [0, 1]: of the same examples, step by step, as
 * those that a denoiser sees which trains on this dataset from this seed.
 */
export default async function pictureBatches({ dataset: reference, recipe, seed, condition }: PictureBatchData): Promise<MakeBatch> {
  const dataset = await openDataset(reference);
  const drawn = drawnExamples(recipe, { seed, count: recipe.examples });
  return async (step) => {
    const indices = drawn(step);
    const examples = await Promise.all(indices.map((index) => dataset.example(index)));
    const inputs: Record<string, HostTensor> = { images: imageBatch(examples.map(({ image }) => image)) };
    if (condition !== undefined) inputs['condition'] = conditionBatch(examples.map((example) => example.condition(condition)));
    return { indices, inputs };
  };
}
