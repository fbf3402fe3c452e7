import { existsSync } from 'node:fs';
import { verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import { jsonHash, type Dataset, type RgbImage } from '@controllab/data';
import type { FloatTensor } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { TrainingError } from '../errors.ts';

/** Pixels handed to the encoder at a time, which compiles once a call: 4096 pictures of 64 x 64, 64 of 512 x 512. */
const CHUNK_PIXELS = 4096 * 64 * 64;

/** A dataset's first examples as latents. */
export interface LatentPool {
  /** Examples that are drawn from, encoded or not. */
  readonly count: number;
  /** Of one example's latents: [C, h, w]. */
  readonly shape: readonly number[];
  /** An example's latents. @throws TrainingError invalid-options for one that is not encoded */
  of(index: number): Float32Array;
}

/** What a pool was made from: what is read back must be this. */
export interface PoolIdentity {
  /** Of the encoder's weights and of what scales its latents. */
  readonly encoder: string;
  readonly dataset: string;
  readonly examples: number;
  /** Checksum of the numbers of those that are encoded, where they are not all. */
  readonly only?: string;
}

/** Reads a pool; its checksum is verified. @throws CoreBlocksError for a damaged file */
export function openLatentPool(file: string): LatentPool {
  const stored = verifySafetensors(file);
  const { data, shape } = stored.tensor('latents');
  const [encoded, ...rest] = shape as [number, ...number[]];
  const row = data.length / encoded;
  const at = (place: number): Float32Array => (data as Float32Array).subarray(place * row, (place + 1) * row);
  if (!stored.names().includes('indices')) return { count: encoded, shape: rest, of: at };
  const places = new Map(Array.from(stored.tensor('indices').data, (index, place) => [Number(index), place]));
  const { examples } = JSON.parse(stored.metadata['pool']!) as PoolIdentity;
  return {
    count: examples,
    shape: rest,
    of(index) {
      const place = places.get(index);
      if (place === undefined)
        throw new TrainingError('invalid-options', `${file} has no latents of example ${index}: it was made for other draws`, {
          index,
          file,
        });
      return at(place);
    },
  };
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
 * Encodes a dataset's first `examples` pictures once, so that denoisers train on latents; with `only` those numbers of them alone, which
 * are what a training of millions of examples sees. A file that is there already is used if it is whole and was made from the same encoder
 * and data, and made again, with a word, if it is not.
 * @throws TrainingError invalid-options when the dataset has fewer examples
 */
export async function latentPool(
  file: string,
  {
    dataset,
    examples,
    only,
    encoder,
    encode,
    say,
  }: {
    dataset: Dataset;
    examples: number;
    only?: readonly number[];
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
  const identity: PoolIdentity = { encoder, dataset: dataset.hash, examples, ...(only === undefined ? {} : { only: jsonHash([...only]) }) };
  if (existsSync(file)) {
    if (isPool(file, identity)) return;
    say(`${file} is damaged or holds other latents: encoding them again`);
  }
  const total = only?.length ?? examples;
  let latents: Float32Array | null = null;
  let shape: readonly number[] = [];
  const { width, height } = (await dataset.example(only?.[0] ?? 0)).image;
  const chunk = Math.max(1, Math.floor(CHUNK_PIXELS / (width * height)));
  for (let start = 0; start < total; start += chunk) {
    const count = Math.min(chunk, total - start);
    const images: RgbImage[] = [];
    for (let i = start; i < start + count; i++) images.push((await dataset.example(only?.[i] ?? i)).image);
    const encoded = await encode(images);
    const row = encoded.data.length / count;
    latents ??= new Float32Array(total * row);
    latents.set(encoded.data, start * row);
    shape = [total, ...encoded.shape.slice(1)];
    say(`encoded ${start + count} of ${total} pictures`);
  }
  const indices: Record<string, HostTensor> = only === undefined ? {} : { indices: { data: Int32Array.from(only), shape: [total] } };
  writeSafetensors(file, { latents: { data: latents!, shape }, ...indices }, { metadata: { pool: JSON.stringify(identity) } });
}
