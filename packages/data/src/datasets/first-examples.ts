import type { Dataset, Example } from '../dataset.ts';

/** The first `count` examples of a dataset, all of them by default, in its order. @throws what `example` throws */
export async function firstExamples<E extends Example>(dataset: Dataset<E>, count: number = dataset.length): Promise<E[]> {
  const examples: E[] = [];
  for (let i = 0; i < count; i++) examples.push(await dataset.example(i));
  return examples;
}
