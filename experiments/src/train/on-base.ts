import path from 'node:path';
import type { Base } from '@controllab/base-model';
import type { Control } from '@controllab/core-blocks';
import { jsonHash, type Dataset, type Json } from '@controllab/data';
import type { CompileOptions } from '@controllab/tfjs-onnx';
import { latentPool, type ControlTraining } from '@controllab/training';
import type { Numerics } from '../runner/numerics.ts';
import type { Store } from '../runner/store.ts';

export const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** A control network on a base, as training takes it. */
export const onBase = (base: Base, control: Control): Pick<ControlTraining, 'model' | 'tokenizer' | 'schedule' | 'prediction'> => ({
  model: { denoiser: base.denoiser({ extraInputs: control.extraInputs }), text: base.textEncoder(), weights: base.weights, control },
  tokenizer: base.tokenizer,
  schedule: base.schedule.config,
  prediction: base.prediction,
});

/** Where things are computed, and kept. */
export interface Workplace {
  readonly store: Store;
  readonly engine: CompileOptions;
  readonly numerics: Numerics;
  say(message: string): void;
}

/**
 * The file of a dataset's first pictures as latents of the base, encoded once for all trainings.
 * @param only numbers of the pictures that are encoded, where they are not all
 */
export async function storedLatents(
  at: Workplace,
  base: Base,
  dataset: Dataset,
  examples: number,
  only?: readonly number[],
): Promise<string> {
  const encoder = base.hashes['vae']!;
  const identity: Json = {
    encoder,
    dataset: dataset.hash,
    examples,
    ...(only === undefined ? {} : { only: jsonHash([...only]) }),
    numerics: plain(at.numerics),
  };
  const file = 'latents.safetensors';
  const { directory } = await at.store.cell('latents', identity, async (folder) => {
    at.say(`encoding ${only?.length ?? examples} pictures of ${dataset.id}`);
    await latentPool(path.join(folder, file), {
      dataset,
      examples,
      ...(only === undefined ? {} : { only }),
      encoder,
      encode: (images) => base.encode(images, at.engine),
      say: at.say,
    });
    return { value: null, files: [file] };
  });
  return path.join(directory, file);
}
