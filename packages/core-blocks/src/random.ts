/**
 * Counter-based random numbers: the i-th number is a pure function of (seed, purpose, i), so no draw depends on how many
 * came before it, on the order of the calls or on a resumed run.
 *
 * The generator is Philox-2x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011); the 64-bit
 * counter is (i, purpose's second hash word), the key is purpose's first hash word mixed with the seed.
 */

const MULTIPLIER = 0xd256d193;
const WEYL = 0x9e3779b9;
const ROUNDS = 10;

/** High 32 bits of a 32x32-bit product, by 16-bit halves (Math.imul gives only the low ones). */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const low = (middle & 0xffff) + a0 * b1;
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(low / 0x10000)) >>> 0;
}

/** One Philox-2x32-10 block: counter words (c0, c1) under a key give two 32-bit words. */
export function philox2x32(c0: number, c1: number, key: number): [number, number] {
  let x = c0 >>> 0;
  let y = c1 >>> 0;
  let k = key >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high = mulHigh(MULTIPLIER, x);
    const low = Math.imul(MULTIPLIER, x) >>> 0;
    x = (high ^ k ^ y) >>> 0;
    y = low;
    k = (k + WEYL) >>> 0;
  }
  return [x, y];
}

/** 32-bit FNV-1a of the text's UTF-8 bytes, from a given offset basis. */
function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function stream(seed: number, purpose: string): (index: number) => [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed must be a non-negative safe integer, got ${seed}`);
  const [keyLow] = philox2x32(seed >>> 0, Math.floor(seed / 0x100000000), fnv1a(purpose, 0x811c9dc5));
  const high = fnv1a(purpose, 0x2f0b4c47);
  return (index) => philox2x32(index, high, keyLow);
}

/** `count` float32 numbers uniform in [low, high). */
export function randomUniform(seed: number, purpose: string, count: number, low = 0, high = 1): Float32Array {
  const draw = stream(seed, purpose);
  const out = new Float32Array(count);
  // 24 bits: what a float32 in [0, 1) can hold, so that `high` itself is never reached by rounding.
  const word = (w: number) => low + (high - low) * ((w >>> 8) / 0x1000000);
  for (let i = 0; i < count; i += 2) {
    const [a, b] = draw(i >>> 1);
    out[i] = word(a);
    if (i + 1 < count) out[i + 1] = word(b);
  }
  return out;
}

/** `count` float32 numbers from N(0, std^2) by Box-Muller, computed in float64 and rounded once. */
export function randomNormal(seed: number, purpose: string, count: number, std = 1): Float32Array {
  const draw = stream(seed, purpose);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [a, b] = draw(i >>> 1);
    const radius = std * Math.sqrt(-2 * Math.log((a + 1) / 0x100000000)); // (0, 1]: log never sees zero
    const angle = (2 * Math.PI * b) / 0x100000000;
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
