import type { Dataset } from '../dataset.ts';
import { DataError } from '../errors.ts';

/** @throws DataError invalid-dataset unless `index` is the number of an example */
export function checkIndex({ id, length }: Pick<Dataset, 'id' | 'length'>, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new DataError('invalid-dataset', `${id}: expected an example's number from 0 to ${length - 1}, got ${index}`, {
    id,
    index,
    length,
  });
}
