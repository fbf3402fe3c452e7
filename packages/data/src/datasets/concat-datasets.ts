import { jsonHash } from '../canonical-json.ts';
import { checkIndex } from './check-index.ts';
import { openDataset, type Dataset, type DatasetReference, type Example } from '../dataset.ts';
import { DataError } from '../errors.ts';

/**
 * The examples of several datasets one after the other, with the conditions that all of them have.
 * @throws DataError invalid-dataset where there is none
 */
export function concatDatasets<E extends Example>(parts: readonly Dataset<E>[]): Dataset<E> {
  const first = parts[0];
  if (first === undefined) throw new DataError('invalid-dataset', 'expected at least one dataset to concatenate, got none');
  const starts: number[] = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length);
    length += part.length;
  }
  const id = [...new Set(parts.map((part) => part.id))].join(' + ');
  return {
    id,
    // Where a part ends decides what follows it; where the last one ends changes no example.
    hash: parts.length === 1 ? first.hash : jsonHash(parts.map(({ hash }, i) => ({ start: starts[i]!, hash }))),
    length,
    conditions: first.conditions.filter((condition) => parts.every(({ conditions }) => conditions.includes(condition))),
    reference: { module: import.meta.url, data: parts.map(({ reference }) => reference) },
    async example(index) {
      checkIndex({ id, length }, index);
      const k = starts.findLastIndex((start) => start <= index);
      return parts[k]!.example(index - starts[k]!);
    },
  };
}

/** Opens it again from a `DatasetReference`. */
export default async (parts: readonly DatasetReference[]): Promise<Dataset> => concatDatasets(await Promise.all(parts.map(openDataset)));
