/** Reads bytes one after the other; past the end it throws. */
export class Reader {
  #at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  set at(at: number) {
    if (at < 0 || at > this.bytes.length) throw new Error(`byte ${at} of ${this.bytes.length} is not there`);
    this.#at = at;
  }

  /** A view, not a copy. */
  take(count: number): Uint8Array {
    if (this.#at + count > this.bytes.length) throw new Error(`it ends at byte ${this.bytes.length}`);
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** Two bytes, the lower one first. */
  word(): number {
    const [low, high] = this.take(2);
    return low! | (high! << 8);
  }

  /** Four bytes, the lowest one first, with a sign. */
  long(): number {
    return this.word() | (this.word() << 16);
  }
}
