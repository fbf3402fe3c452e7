import { describe, expect, it } from 'vitest';
import type { Dataset, Example } from '@controllab/data';
import openWrong, { wrongConditions } from './wrong-conditions.ts';

/** Pictures, captions and conditions that say their number. */
export default function numbered(length: unknown): Dataset {
  const picture = (n: number) => ({ rgb: Uint8Array.of(n >> 8, n & 255, 0), width: 1, height: 1 });
  return {
    id: 'numbered',
    hash: 'numbered',
    length: length as number,
    conditions: ['canny'],
    reference: { module: import.meta.url, data: length },
    example: async (i): Promise<Example> => ({ image: picture(i), captions: { caption: String(i) }, condition: () => picture(i) }),
  };
}

const numberOf = ([high, low]: Uint8Array): number => 256 * high! + low!;

async function given(dataset: Dataset, count = dataset.length): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const { image, captions, condition } = await dataset.example(i);
    expect([numberOf(image.rgb), captions['caption']]).toEqual([i, String(i)]);
    all.push(numberOf(condition('canny').rgb));
  }
  return all;
}

describe('wrongConditions', () => {
  it.each([0.2, 0.5])('a share of %d have the neighbour’s condition', async (share) => {
    const conditions = await given(wrongConditions(numbered(4000), { share }));
    const wrong = conditions.filter((condition, i) => condition !== i).length;
    // 2,000 pairs: four standard deviations are at most 4 sqrt(0.25 / 2000) = 0.045.
    expect(Math.abs(wrong / 4000 - share)).toBeLessThan(0.045);
    conditions.forEach((condition, i) => expect(Math.floor(condition / 2)).toBe(Math.floor(i / 2)));
    // No condition from outside a prefix, none twice.
    expect(new Set(conditions.slice(0, 100))).toEqual(new Set(Array.from({ length: 100 }, (_, i) => i)));
  });

  it('are none at 0, all but the last of an odd length at 1, and the same when opened again', async () => {
    expect(await given(wrongConditions(numbered(5), { share: 0 }))).toEqual([0, 1, 2, 3, 4]);
    expect(await given(wrongConditions(numbered(5), { share: 1 }))).toEqual([1, 0, 3, 2, 4]);
    const half = wrongConditions(numbered(40), { share: 0.5 });
    expect(await given(await openWrong(JSON.parse(JSON.stringify(half.reference.data))))).toEqual(await given(half));
    expect(half.hash).not.toBe(wrongConditions(numbered(40), { share: 0.2 }).hash);
    // More of them does not move those that were wrong already.
    const few = await given(wrongConditions(numbered(400), { share: 0.2 }));
    const many = await given(wrongConditions(numbered(400), { share: 0.5 }));
    few.forEach((condition, i) => condition === i || expect(many[i]).toBe(condition));
  });

  it('refuses what is no share', () => {
    expect(() => wrongConditions(numbered(4), { share: 20 })).toThrow(/lies between 0 and 1, got 20/);
  });
});
