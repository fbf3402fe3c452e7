import { existsSync } from 'node:fs';
import { verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import type { Dataset, RgbImage } from '@controllab/data';
import type { FloatTensor } from '@controllab/diffusion';
import { TrainingError } from '../errors.ts';

/** Pixels handed to the encoder at a time, which compiles once a call: 4096 pictures of 64 x 64, 64 of 512 x 512. */
const CHUNK_PIXELS = 4096 * 64 * 64;

/** A dataset's first examples as latents, in order. */
export interface LatentPool {
  readonly count: number;
  /** [count, C, h, w] */
  readonly shape: readonly number[];
  readonly latents: Float32Array;
}

/** What a pool was made from: what is read back must be this. */
export interface PoolIdentity {
  /** Of the encoder's weights and of what scales its latents. */
  readonly encoder: string;
  readonly dataset: string;
  readonly examples: number;
}

/** Reads a pool; its checksum is verified. @throws CoreBlocksError for a damaged file */
export function openLatentPool(file: string): LatentPool {
  const { data, shape } = verifySafetensors(file).tensor('latents');
  return { count: shape[0] as number, shape, latents: data as Float32Array };
}

/** Whether the file holds this very pool, whole: its checksum is verified. */
function isPool(file: string, identity: PoolIdentity): boolean {
  try {
    const { metadata } = verifySafetensors(file);
    return metadata['pool'] === JSON.stringify(identity);
  } catch {
    return false;
  }
}

/**
 * Encodes a dataset's first `examples` pictures once, so that denoisers train on latents. A file that is there already is used if it is
 * whole and was made from the same encoder and data, and made again, with a word, if it is not.
 * @throws TrainingError invalid-options when the dataset has fewer examples
 */
export async function latentPool(
  file: string,
  {
    dataset,
    examples,
    encoder,
    encode,
    say,
  }: {
    dataset: Dataset;
    examples: number;
    encoder: string;
    encode(images: readonly RgbImage[]): Promise<FloatTensor>;
    say(message: string): void;
  },
): Promise<void> {
  if (examples > dataset.length) {
    throw new TrainingError('invalid-options', `${dataset.id} has ${dataset.length} examples, the recipe asks for ${examples}`, {
      examples,
      length: dataset.length,
    });
  }
  const identity: PoolIdentity = { encoder, dataset: dataset.hash, examples };
  if (existsSync(file)) {
    if (isPool(file, identity)) return;
    say(`${file} is damaged or holds other latents: encoding them again`);
  }
  let latents: Float32Array | null = null;
  let shape: readonly number[] = [];
  const { width, height } = (await dataset.example(0)).image;
  const chunk = Math.max(1, Math.floor(CHUNK_PIXELS / (width * height)));
  for (let start = 0; start < examples; start += chunk) {
    const count = Math.min(chunk, examples - start);
    const images: RgbImage[] = [];
    for (let i = 0; i < count; i++) images.push((await dataset.example(start + i)).image);
    const encoded = await encode(images);
    const row = encoded.data.length / count;
    latents ??= new Float32Array(examples * row);
    latents.set(encoded.data, start * row);
    shape = [examples, ...encoded.shape.slice(1)];
    say(`encoded ${start + count} of ${examples} pictures`);
  }
  writeSafetensors(file, { latents: { data: latents!, shape } }, { metadata: { pool: JSON.stringify(identity) } });
}
