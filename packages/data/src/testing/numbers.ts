import { jsonHash } from '../canonical-json.ts';
import { checkIndex } from '../datasets/check-index.ts';
import type { Dataset } from '../dataset.ts';

/** A dataset for tests: one pixel of brightness `from` + index, which is its caption too, and conditions that are black. */
export default function openNumbers(data: { from: number; length: number; conditions?: readonly string[] }): Dataset {
  const { from, length, conditions = ['red'] } = data;
  const id = `numbers from ${from}`;
  const pixel = (value: number) => ({ rgb: new Uint8Array(3).fill(value), width: 1, height: 1 });
  return {
    id,
    hash: jsonHash({ id }),
    length,
    conditions,
    reference: { module: import.meta.url, data },
    async example(index) {
      checkIndex({ id, length }, index);
      return { image: pixel(from + index), captions: { caption: `${from + index}` }, condition: () => pixel(0) };
    },
  };
}
