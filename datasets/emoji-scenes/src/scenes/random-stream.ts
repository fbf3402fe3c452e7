import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { fmix32, hashString } from './hash.ts';

export interface RandomStream {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
}

/**
 * The random numbers of item `index` for one purpose. Any item can be had without those before it, and streams of different purposes or
 * seeds are independent. The generator's state is mixed from all three with fmix32: seeding it with the index itself leaves neighbouring
 * items strongly correlated.
 *
 * `seed` and `index` are integers in [0, 2^32); throws `invalid-argument` otherwise.
 */
export function randomStream(seed: number, purpose: string, index: number): RandomStream {
  for (const [name, value] of [
    ['seed', seed],
    ['index', index],
  ] as const) {
    if (value >>> 0 !== value)
      throw new EmojiScenesError('invalid-argument', `${name} must be an integer in [0, 2^32), got ${value}.`, { [name]: value });
  }
  const a = fmix32(seed ^ 0x9e3779b9);
  const b = fmix32(a ^ hashString(purpose));
  const c = fmix32(b ^ index);
  // The last word is never 0, because the all-zero state is the generator's one fixed point.
  const generator = xoroshiro128plusFromState([c, fmix32(c ^ 0x243f6a88), fmix32((c + 0x13198a2e) | 0), fmix32(c ^ b) || 1]);
  const uniform = () => (generator.next() >>> 0) / 0x1_0000_0000;
  return { uniform, integer: (bound) => Math.floor(uniform() * bound) };
}
