import { DataError } from './errors.ts';

/*
 * Counter-based randomness: every number is a pure function of (seed, purpose, index, position), so a batch can be
 * made in any order, on any thread, after any resume, with the same bytes.
 *
 * Bits come from Threefry2x32-20 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the generator of
 * JAX): key = (seed, hash of purpose), counter = (index, block). It needs only adds, rotations and xors, which JavaScript
 * does fast on 32-bit integers. Normals go through the inverse distribution function instead of Box-Muller: one word a
 * number, so a shorter draw is a prefix of a longer one, and no sine or cosine whose last bit depends on the V8 version.
 */

const WORD = 2 ** 32;
const PARITY = 0x1bd11bda;

const purposes = new Map<string, number>();

/** FNV-1a over UTF-16 code units with MurmurHash3's finaliser. */
function hashPurpose(purpose: string): number {
  const known = purposes.get(purpose);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  purposes.set(purpose, hash);
  return hash;
}

function checkWord(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= WORD) {
    throw new DataError('invalid-counter', `Error in random: expected ${name} to be an integer in [0, 2^32), got ${value}`, {
      [name]: value,
    });
  }
}

/**
 * Fills `out` with 32-bit words: out[2b], out[2b + 1] = Threefry2x32-20(key, (index, b)).
 * Exported for the known-answer test; use `randomBits`.
 */
export function threefry(out: Uint32Array, key0: number, key1: number, index: number): void {
  const key2 = key0 ^ key1 ^ PARITY;
  const { length } = out;
  for (let i = 0, block = 0; i < length; i += 2, block++) {
    let x = (index + key0) | 0;
    let y = (block + key1) | 0;
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    x = (x + key1) | 0;
    y = (y + key2 + 1) | 0;
    x = (x + y) | 0;
    y = ((y << 17) | (y >>> 15)) ^ x;
    x = (x + y) | 0;
    y = ((y << 29) | (y >>> 3)) ^ x;
    x = (x + y) | 0;
    y = ((y << 16) | (y >>> 16)) ^ x;
    x = (x + y) | 0;
    y = ((y << 24) | (y >>> 8)) ^ x;
    x = (x + key2) | 0;
    y = (y + key0 + 2) | 0;
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    x = (x + key0) | 0;
    y = (y + key1 + 3) | 0;
    x = (x + y) | 0;
    y = ((y << 17) | (y >>> 15)) ^ x;
    x = (x + y) | 0;
    y = ((y << 29) | (y >>> 3)) ^ x;
    x = (x + y) | 0;
    y = ((y << 16) | (y >>> 16)) ^ x;
    x = (x + y) | 0;
    y = ((y << 24) | (y >>> 8)) ^ x;
    x = (x + key1) | 0;
    y = (y + key2 + 4) | 0;
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    out[i] = x + key2;
    if (i + 1 < length) out[i + 1] = y + key0 + 5;
  }
}

/**
 * `length` uniform 32-bit words for (seed, purpose, index). Throws DataError invalid-counter unless seed and index are integers in
 * [0, 2^32).
 */
export function randomBits(seed: number, purpose: string, index: number, length: number): Uint32Array {
  checkWord('seed', seed);
  checkWord('index', index);
  const bits = new Uint32Array(length);
  threefry(bits, seed, hashPurpose(purpose), index);
  return bits;
}

/** `length` numbers uniform in [0, 1), 24 bits each, for (seed, purpose, index). */
export function uniform(seed: number, purpose: string, index: number, length: number): Float32Array {
  const bits = randomBits(seed, purpose, index, length);
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = (bits[i]! >>> 8) * 2 ** -24;
  return out;
}

/** One integer uniform in [0, bound), from 53 random bits, for (seed, purpose, index). */
export function randomInt(seed: number, purpose: string, index: number, bound: number): number {
  const bits = randomBits(seed, purpose, index, 2);
  return Math.floor(((bits[0]! >>> 5) * 2 ** 26 + (bits[1]! >>> 6)) * 2 ** -53 * bound);
}

/** A permutation of 0..length-1 (Fisher-Yates) for (seed, purpose, index): the visiting order of one epoch. */
export function permutation(seed: number, purpose: string, index: number, length: number): Uint32Array {
  const bits = randomBits(seed, purpose, index, length);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const j = Math.floor(bits[i]! * 2 ** -32 * (i + 1));
    order[i] = order[j]!;
    order[j] = i;
  }
  return order;
}

/** `length` standard normal numbers for (seed, purpose, index), at most 6.4 standard deviations out. */
export function normal(seed: number, purpose: string, index: number, length: number): Float32Array {
  const out = new Float32Array(length);
  fillNormal(out, seed, purpose, index);
  return out;
}

/** `normal` into an existing array: one sample's part of a batch, say. */
export function fillNormal(out: Float32Array, seed: number, purpose: string, index: number): void {
  const bits = randomBits(seed, purpose, index, out.length);
  for (let i = 0; i < out.length; i++) out[i] = normalQuantile((bits[i]! + 0.5) * 2 ** -32);
}

/**
 * Standard normal quantile for p in (0, 1), relative error about 1e-7: AS 241's PPND7
 * (Wichura, "The percentage points of the normal distribution", Applied Statistics 37, 1988).
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  let r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  let z: number;
  if (r <= 5) {
    r -= 1.6;
    z = (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) / ((0.12021132975 * r + 0.7370016425) * r + 1);
  } else {
    r -= 5;
    z = (((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115) / ((0.012258202635 * r + 0.24197894225) * r + 1);
  }
  return q < 0 ? -z : z;
}
