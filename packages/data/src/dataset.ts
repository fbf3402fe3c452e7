import type { RgbImage } from './images/image.ts';

/** One picture of a dataset, with what it can be trained or judged on. */
export interface Example {
  /** The dataset's own: not to be written to. */
  readonly image: RgbImage;
  /** By kind: `caption` always, others (such as `insufficient`) where a dataset has them. '' is the empty prompt. */
  readonly captions: Readonly<Record<string, string>>;
  /** A condition of the picture's size by its id, one of the dataset's `conditions`; any other id is refused. */
  condition(id: string): RgbImage;
}

/**
 * How a dataset is opened again, as plain data: a worker thread or another process gets this and nothing else.
 * `module` is the URL of a module whose default export takes `data` and returns the (promise of the) dataset.
 */
export interface DatasetReference {
  readonly module: string;
  readonly data: unknown;
}

/**
 * Pictures with captions and conditions, in a fixed order. A dataset whose length is not known in advance is counted when it is
 * opened, or refused: everything that trains on one plans with `length`.
 */
export interface Dataset<E extends Example = Example> {
  /** Its name in reports, such as `emoji-scenes, tier core`. */
  readonly id: string;
  /**
   * Of everything that decides its examples: under one hash, an index is one example. What was trained on one hash is never continued on
   * another. The length is no part of it, where the examples are the same whatever follows them.
   */
  readonly hash: string;
  readonly length: number;
  /** Ids that `condition` of every example takes. */
  readonly conditions: readonly string[];
  readonly reference: DatasetReference;
  /** @param index in [0, length), see `checkIndex`. @throws DataError invalid-dataset naming the example that cannot be read */
  example(index: number): Promise<E>;
}

/** Opens a dataset from its reference. */
export async function openDataset({ module, data }: DatasetReference): Promise<Dataset> {
  const { default: open } = (await import(module)) as { default(data: unknown): Dataset | Promise<Dataset> };
  return open(data);
}
