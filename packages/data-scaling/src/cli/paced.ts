import { setImmediate } from 'node:timers/promises';
import type { Parts } from '../parts.ts';

/** Does work in parts, telling how many are done; signals are heard between two of them, and progress is shown. */
export async function paced<T>(parts: Parts<T>, onPart: (done: number) => void): Promise<T> {
  for (let count = 1; ; count++) {
    const { done, value } = parts.next();
    if (done === true) return value;
    onPart(count);
    await setImmediate();
  }
}
