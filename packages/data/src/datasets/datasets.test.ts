import { expect, it } from 'vitest';
import { concatDatasets } from './concat-datasets.ts';
import { openDataset, type Dataset } from '../dataset.ts';
import { firstExamples } from './first-examples.ts';
import { takeFirst } from './take-first.ts';
import openNumbers from '../testing/numbers.ts';

const captions = async (dataset: Dataset): Promise<string[]> => (await firstExamples(dataset)).map(({ captions: of }) => of['caption']!);

it('takes the first examples under the same hash', async () => {
  const numbers = openNumbers({ from: 5, length: 4 });
  const two = takeFirst(numbers, 2);
  expect(await captions(two)).toEqual(['5', '6']);
  expect({ id: two.id, hash: two.hash, length: two.length }).toEqual({ id: numbers.id, hash: numbers.hash, length: 2 });
  await expect(two.example(2)).rejects.toThrow("numbers from 5: expected an example's number from 0 to 1, got 2");
  for (const count of [0, 5, 1.5]) expect(() => takeFirst(numbers, count)).toThrow(`expected to take 1 to 4 examples, got ${count}`);
});

it('concatenates in order, with the conditions that all parts have', async () => {
  const [a, b] = [openNumbers({ from: 0, length: 2, conditions: ['red', 'green'] }), openNumbers({ from: 10, length: 3 })];
  const both = concatDatasets([a, b]);
  expect(await captions(both)).toEqual(['0', '1', '10', '11', '12']);
  expect(both.conditions).toEqual(['red']);
  expect(both.id).toBe('numbers from 0 + numbers from 10');
  for (const index of [-1, 5, 0.5]) await expect(both.example(index)).rejects.toThrow(`from 0 to 4, got ${index}`);
  expect(() => concatDatasets([])).toThrow('expected at least one dataset to concatenate, got none');
});

it('has a hash of everything that decides which example an index is', () => {
  const part = (from: number, length: number): Dataset => openNumbers({ from, length });
  const hash = concatDatasets([part(0, 2), part(10, 3)]).hash;
  expect(concatDatasets([part(0, 2), part(10, 9)]).hash).toBe(hash);
  expect(concatDatasets([part(0, 3), part(10, 3)]).hash).not.toBe(hash);
  expect(concatDatasets([part(0, 2), part(11, 3)]).hash).not.toBe(hash);
  expect(concatDatasets([part(10, 3), part(0, 2)]).hash).not.toBe(hash);
  expect(concatDatasets([part(0, 2)]).hash).toBe(part(0, 2).hash);
});

it('opens again from plain data', async () => {
  const dataset = takeFirst(concatDatasets([openNumbers({ from: 0, length: 2 }), openNumbers({ from: 10, length: 3 })]), 4);
  const again = await openDataset(structuredClone(dataset.reference));
  expect(await captions(again)).toEqual(['0', '1', '10', '11']);
  expect(again.hash).toBe(dataset.hash);
});
