import { randomBits } from '@controllab/data';
import { DataScalingError } from '../errors.ts';

const ROUNDS = 4;

/**
 * A permutation of 0..length-1 that is computed at one place at a time: a balanced Feistel network over the next power of four, walked
 * along its cycle until it lands inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Nothing is stored: an order of
 * three million examples costs as much as one of ten.
 * @returns which index stands at `place`
 * @throws DataScalingError invalid-argument
 */
export function shuffledIndex(seed: number, length: number, place: number): number {
  if (!Number.isInteger(length) || length < 1 || length > 2 ** 32)
    throw new DataScalingError('invalid-argument', `a length is a whole number from 1 to 2^32, got ${length}`, { length });
  if (!Number.isInteger(place) || place < 0 || place >= length)
    throw new DataScalingError('invalid-argument', `place ${place} is not in [0, ${length})`, { place, length });
  const half = Math.max(1, Math.ceil(Math.log2(length) / 2));
  const side = 2 ** half;
  let value = place;
  // At most a quarter of the domain, and at least that much of it, is ours: four steps on average at worst.
  do {
    let [left, right] = [Math.floor(value / side), value % side];
    for (let round = 0; round < ROUNDS; round++) {
      const bits = randomBits(seed, `nested subsets, round ${round}`, right, 1)[0]! % side;
      [left, right] = [right, (left ^ bits) >>> 0];
    }
    value = left * side + right;
  } while (value >= length);
  return value;
}
