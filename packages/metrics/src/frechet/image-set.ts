import { sha256 } from '@controllab/data';

const MODULUS = 1n << 256n;

/**
 * A hash of a set of images that does not depend on their order, and that shards add up to: the sum of the images' sha256
 * modulo 2^256 (Bellare & Micciancio's AdHash, 1997). It tells sets apart by accident, not by an adversary who has weeks.
 */
export interface ImageSet {
  /** 64 hexadecimal digits; of the empty set zeros. */
  readonly hash: string;
}

export const EMPTY_IMAGE_SET: ImageSet = { hash: '0'.repeat(64) };

/** The set of one image. `bytes`: its file, or its pixels; the same for all sets that are to be compared. */
export const imageSetOf = (bytes: Uint8Array): ImageSet => ({ hash: sha256(bytes) });

/** The union of two disjoint sets. */
export const uniteImageSets = (a: ImageSet, b: ImageSet): ImageSet => ({
  hash: ((BigInt(`0x${a.hash}`) + BigInt(`0x${b.hash}`)) % MODULUS).toString(16).padStart(64, '0'),
});
