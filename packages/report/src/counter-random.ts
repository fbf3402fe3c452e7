/** One round of MurmurHash3's 32-bit finaliser: every input bit reaches every output bit. */
const fmix32 = (h: number): number => {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/**
 * Uniform numbers in [0, 1) by counter: the j-th depends only on (seed, stream, j), so any order of evaluation gives the same numbers.
 * 32 random bits each; `seed`, `stream` and `j` are used modulo 2^32.
 */
export const counterUniform = (seed: number, stream: number): ((j: number) => number) => {
  const key = fmix32(fmix32(seed + 0x9e3779b9) ^ (stream + 0x7f4a7c15));
  return (j) => fmix32(key ^ (j + 0x94d049bb)) / 2 ** 32;
};
