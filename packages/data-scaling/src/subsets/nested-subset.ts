import { checkIndex, jsonHash, openDataset, type Dataset, type DatasetReference, type Example } from '@controllab/data';
import { DataScalingError } from '../errors.ts';
import { shuffledIndex } from './shuffled-index.ts';

interface SubsetData {
  readonly of: DatasetReference;
  readonly size: number;
  readonly seed: number;
}

/**
 * The first `size` examples of a dataset in an order that its seed and length decide: the 1,000 are among the 5,000, and those among the
 * 10,000. All subsets of one seed have one hash, as an index is the same example in each of them.
 * @throws DataScalingError invalid-argument where the dataset has fewer
 */
export function nestedSubset<E extends Example>(dataset: Dataset<E>, { size, seed = 1 }: { size: number; seed?: number }): Dataset<E> {
  if (!Number.isInteger(size) || size < 1 || size > dataset.length)
    throw new DataScalingError('invalid-argument', `${dataset.id} has ${dataset.length} examples: a subset of ${size} cannot be taken`, {
      size,
      length: dataset.length,
    });
  const data: SubsetData = { of: dataset.reference, size, seed };
  const id = `${dataset.id}, ${size.toLocaleString('en-US')} of ${dataset.length.toLocaleString('en-US')}`;
  return {
    id,
    hash: jsonHash({ subset: 'feistel-4', of: dataset.hash, length: dataset.length, seed }),
    length: size,
    conditions: dataset.conditions,
    reference: { module: import.meta.url, data },
    example: async (index) => {
      checkIndex({ id, length: size }, index);
      return dataset.example(shuffledIndex(seed, dataset.length, index));
    },
  };
}

/** Opens a subset from its reference. */
export default async function openSubset(data: unknown): Promise<Dataset> {
  const { of, size, seed } = data as SubsetData;
  return nestedSubset(await openDataset(of), { size, seed });
}
