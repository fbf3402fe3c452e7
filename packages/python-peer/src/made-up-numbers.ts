/**
 * Numbers in [-bound, bound) that depend on the name and the index only (murmur3's finaliser): `made_up` of peer_program.py gives a Python
 * program the same ones, and nothing has to be sent.
 */
export function madeUpNumbers(
  name: string,
  shape: readonly number[],
  bound = 1,
): { data: Float32Array<ArrayBuffer>; shape: readonly number[] } {
  let seed = 0;
  for (const character of Buffer.from(name)) seed = (Math.imul(seed, 31) + character) | 0;
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) {
    let z = (i ^ seed) >>> 0;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    data[i] = (((z ^ (z >>> 16)) >>> 0) / 2 ** 31 - 1) * bound;
  }
  return { data, shape };
}
