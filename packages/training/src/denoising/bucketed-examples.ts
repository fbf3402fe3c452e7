import { permutation } from '@controllab/data';
import { shuffledIndices } from '../shuffled-indices.ts';
import { examplesOfStep, type Recipe } from './recipe.ts';

/** What a step sees: examples of one bucket, by their places in it. */
export interface BucketDraw {
  readonly bucket: number;
  readonly places: readonly number[];
}

/** Batches that a bucket of so many examples has had after so many epochs: never less than each example as often. */
const batchesOf = (count: number, epochs: number, batchSize: number): number => Math.ceil((epochs * count) / batchSize);

/** Steps of so many epochs over buckets of these sizes, see {@link bucketedExamples}. */
export const stepsOfEpochs = (counts: readonly number[], epochs: number, batchSize: number): number =>
  counts.reduce((sum, count) => sum + batchesOf(count, epochs, batchSize), 0);

/**
 * Whose examples each step sees where a batch is of one bucket: a pure function of (seed, step). Every bucket goes through its own examples
 * in one random order after another, batches running across their ends. After each epoch it has had as many batches as hold each of its
 * examples once an epoch, the last one whole: no example is left out of an epoch, and no bucket is ever more than a batch less one example
 * ahead. The batches of an epoch come in random order.
 * @param counts examples of each bucket, one or more
 */
export function bucketedExamples(
  recipe: Pick<Recipe, 'batchSize' | 'accumulation'>,
  { seed, counts }: { seed: number; counts: readonly number[] },
): (step: number) => BucketDraw {
  const batchSize = examplesOfStep(recipe);
  const streams = counts.map((datasetSize) => shuffledIndices({ seed, datasetSize, batchSize }));
  const total = counts.reduce((a, b) => a + b, 0);
  let current: { first: number; batches: readonly { bucket: number; batch: number }[] } | null = null;
  const openEpoch = (epoch: number) => {
    const all = counts.flatMap((count, bucket) => {
      const before = batchesOf(count, epoch, batchSize);
      return Array.from({ length: batchesOf(count, epoch + 1, batchSize) - before }, (_, k) => ({ bucket, batch: before + k }));
    });
    const order = permutation(seed, 'order of buckets', epoch, all.length);
    return { first: stepsOfEpochs(counts, epoch, batchSize), batches: Array.from(order, (place) => all[place]!) };
  };
  return (step) => {
    if (current === null || step < current.first || step >= current.first + current.batches.length) {
      // Whole batches make epochs longer than their examples are: it is the epoch that is reckoned, or one before.
      let epoch = Math.floor((step * batchSize) / total);
      while (stepsOfEpochs(counts, epoch, batchSize) > step) epoch--;
      current = openEpoch(epoch);
    }
    const { bucket, batch } = current.batches[step - current.first]!;
    return { bucket, places: streams[bucket]!(batch) };
  };
}
