import { uniform } from '@controllab/data';

/** Most numbers that a case draws. */
const LENGTH = 256;

/** Random choices of one case: a function of (seed, purpose, index). */
export class Draws {
  readonly #numbers: ArrayLike<number>;
  #at = 0;

  constructor(seed: number, purpose: string, index: number) {
    this.#numbers = uniform(seed, purpose, index, LENGTH);
  }

  /** In [0, 1). */
  next(): number {
    return this.#numbers[this.#at++ % LENGTH]!;
  }

  /** In [0, bound). */
  below(bound: number): number {
    return Math.min(bound - 1, Math.floor(this.next() * bound));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
