import { checkIndex } from './check-index.ts';
import { openDataset, type Dataset, type DatasetReference, type Example } from '../dataset.ts';
import { DataError } from '../errors.ts';

interface TakeFirstData {
  readonly of: DatasetReference;
  readonly count: number;
}

/**
 * The first `count` examples of a dataset, as a dataset. Its hash is that of the whole: they are the same examples.
 * @throws DataError invalid-dataset unless there are as many
 */
export function takeFirst<E extends Example>(dataset: Dataset<E>, count: number): Dataset<E> {
  if (!Number.isInteger(count) || count < 1 || count > dataset.length) {
    throw new DataError('invalid-dataset', `${dataset.id}: expected to take 1 to ${dataset.length} examples, got ${count}`, {
      id: dataset.id,
      count,
      length: dataset.length,
    });
  }
  const data: TakeFirstData = { of: dataset.reference, count };
  return {
    id: dataset.id,
    hash: dataset.hash,
    length: count,
    conditions: dataset.conditions,
    reference: { module: import.meta.url, data },
    async example(index) {
      checkIndex({ id: dataset.id, length: count }, index);
      return dataset.example(index);
    },
  };
}

/** Opens it again from a `DatasetReference`. */
export default async ({ of, count }: TakeFirstData): Promise<Dataset> => takeFirst(await openDataset(of), count);
