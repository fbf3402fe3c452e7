import { sha256 } from '@controllab/data';
import type { Features } from './feature-vectors.ts';

/** What tells the images of a set apart whatever their order: one key an image, the same for the same image. */
export type ContentKeys = readonly string[];

/** Keys of features: of their bytes. */
export const featureKeys = ({ data, shape: [n = 0, d = 0] }: Features): ContentKeys =>
  Array.from({ length: n }, (_, i) => {
    const row = data.subarray(i * d, (i + 1) * d);
    return sha256(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
  });

/** Where each image stands in the random order of a seed: a number in hexadecimal digits that depends on its content and the seed alone. */
export const contentPlaces = (keys: ContentKeys, seed: number): string[] => keys.map((key) => sha256(`${seed} ${key}`));

/** Images in the random order of a seed, whatever the order that they came in. */
export const byPlace = (places: readonly string[]): number[] =>
  [...places.keys()].sort((i, j) => (places[i]! < places[j]! ? -1 : places[i]! > places[j]! ? 1 : 0));

/** How many rows show the image of each row, itself among them. */
export function copiesOf(keys: ContentKeys): Uint32Array {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return Uint32Array.from(keys, (key) => counts.get(key)!);
}

/** Different images among the keys. */
export const countDistinct = (keys: ContentKeys): number => new Set(keys).size;
