/** Work in parts of one search each: between two of them a caller can show how far it is, or end. */
export type Parts<T> = Generator<void, T, void>;

/** Does all of the work at once. */
export function finished<T>(parts: Parts<T>): T {
  for (;;) {
    const { done, value } = parts.next();
    if (done === true) return value;
  }
}
