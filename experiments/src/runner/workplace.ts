import path from 'node:path';
import type { Base } from '@controllab/base-model';
import { jsonHash, plainJson, type Dataset, type Json } from '@controllab/data';
import type { CompileOptions } from '@controllab/tfjs-onnx';
import { latentPool } from '@controllab/training';
import type { Numerics } from './numerics.ts';
import type { Store } from './store.ts';

/** Where things are computed, and kept. */
export interface Workplace {
  readonly store: Store;
  readonly engine: CompileOptions;
  readonly numerics: Numerics;
  say(message: string): void;
}

/** The first pictures of a dataset. */
export interface FirstPictures {
  readonly dataset: Dataset;
  /** How many. */
  readonly examples: number;
  /** Rows that were passed over so far, in words. */
  problems(): readonly string[];
}

/** Pictures as latents, and which rows of their data others stand in for, in words. */
export interface EncodedPictures {
  readonly file: string;
  readonly passedOver: readonly string[];
}

/**
 * The first pictures of data as latents of the base, encoded once for all trainings. Rows of a large set that turn out to be bad are kept
 * with them: whoever finds the latents there has to be told as well.
 * @param only numbers of the pictures that are encoded, where they are not all
 */
export async function encodedPictures(
  at: Workplace,
  base: Base,
  { dataset, examples, problems }: FirstPictures,
  only?: readonly number[],
): Promise<EncodedPictures> {
  const encoder = base.hashes['vae']!;
  const identity: Json = {
    encoder,
    dataset: dataset.hash,
    examples,
    ...(only === undefined ? {} : { only: jsonHash([...only]) }),
    numerics: plainJson(at.numerics),
  };
  const file = 'latents.safetensors';
  const { directory, value } = await at.store.cell<Pick<EncodedPictures, 'passedOver'> | null>('latents', identity, async (folder) => {
    at.say(`encoding ${only?.length ?? examples} pictures of ${dataset.id}`);
    await latentPool(path.join(folder, file), {
      dataset,
      examples,
      ...(only === undefined ? {} : { only }),
      encoder,
      encode: (images) => base.encode(images, at.engine),
      say: at.say,
    });
    const passedOver = problems();
    return { value: passedOver.length === 0 ? null : { passedOver }, files: [file] };
  });
  return { file: path.join(directory, file), passedOver: value?.passedOver ?? [] };
}

/** The file of a dataset's first pictures as latents, as `encodedPictures` makes it, where no row can be bad. */
export const storedLatents = async (
  at: Workplace,
  base: Base,
  dataset: Dataset,
  examples: number,
  only?: readonly number[],
): Promise<string> => (await encodedPictures(at, base, { dataset, examples, problems: () => [] }, only)).file;
