import { describe, expect, it } from 'vitest';
import { DataError, type Dataset, type Example } from '@controllab/data';
import openSubset, { nestedSubset } from './nested-subset.ts';
import { shuffledIndex } from './shuffled-index.ts';
import { planSweep } from './sweep-plan.ts';

/** A dataset whose examples say their number. */
export default function numbered(data: unknown): Dataset {
  const length = data as number;
  return {
    id: 'numbered',
    hash: 'numbered',
    length,
    conditions: [],
    reference: { module: import.meta.url, data },
    example: async (i): Promise<Example> => ({
      image: { rgb: new Uint8Array(3), width: 1, height: 1 },
      captions: { caption: String(i) },
      condition: () => {
        throw new Error('has none');
      },
    }),
  };
}

describe('shuffledIndex', () => {
  it.each([1, 2, 3, 16, 17, 1000])('visits each of %d once', (length) => {
    const seen = new Set(Array.from({ length }, (_, place) => shuffledIndex(1, length, place)));
    expect([seen.size, Math.min(...seen), Math.max(...seen)]).toEqual([length, 0, length - 1]);
  });

  it('is spread evenly over three million, and is another order under another seed', () => {
    const first = Array.from({ length: 3000 }, (_, place) => shuffledIndex(7, 3_000_000, place));
    expect(new Set(first).size).toBe(3000);
    const tenths = new Array<number>(10).fill(0);
    for (const index of first) tenths[Math.floor(index / 300_000)]!++;
    // Five standard deviations of 300.
    for (const count of tenths) expect(Math.abs(count - 300)).toBeLessThan(85);
    expect(shuffledIndex(8, 3_000_000, 0)).not.toBe(first[0]);
  });

  it('refuses what is no place', () => {
    expect(() => shuffledIndex(1, 10, 10)).toThrow(/place 10 is not in \[0, 10\)/);
    expect(() => shuffledIndex(1, 0, 0)).toThrow(/whole number from 1/);
  });
});

describe('nestedSubset', () => {
  it('holds the smaller subsets first, under one hash, and opens again from its reference', async () => {
    const of = numbered(500);
    const captions = async (dataset: Dataset): Promise<string[]> => {
      const all: string[] = [];
      for (let i = 0; i < dataset.length; i++) all.push((await dataset.example(i)).captions['caption']!);
      return all;
    };
    const [small, large] = [nestedSubset(of, { size: 10 }), nestedSubset(of, { size: 50 })];
    const [few, many] = [await captions(small), await captions(large)];
    expect(new Set(many).size).toBe(50);
    expect(many.slice(0, 10)).toEqual(few);
    expect(small.hash).toBe(large.hash);
    expect(nestedSubset(of, { size: 10, seed: 2 }).hash).not.toBe(small.hash);
    expect(nestedSubset(numbered(501), { size: 10 }).hash).toBeTypeOf('string');
    expect(await captions(await openSubset(JSON.parse(JSON.stringify(small.reference.data))))).toEqual(few);
    await expect(small.example(10)).rejects.toThrow(DataError);
    expect(() => nestedSubset(of, { size: 501 })).toThrow(/numbered has 500 examples: a subset of 501 cannot be taken/);
  });
});

describe('planSweep', () => {
  const models = [
    { id: 's', flopsPerExample: 1e9 },
    { id: 'm', flopsPerExample: 4e9 },
  ];

  it('holds steps, epochs or compute equal', () => {
    const of = (budget: Parameters<typeof planSweep>[0]['budget']) =>
      planSweep({ sizes: [5000, 1000], models, batch: 10, budget }).map(({ model, size, steps, epochs, flops }) => [
        model,
        size,
        steps,
        epochs,
        flops,
      ]);
    expect(of({ steps: 100 })).toEqual([
      ['s', 1000, 100, 1, 1e12],
      ['s', 5000, 100, 0.2, 1e12],
      ['m', 1000, 100, 1, 4e12],
      ['m', 5000, 100, 0.2, 4e12],
    ]);
    expect(of({ epochs: 2 }).slice(0, 2)).toEqual([
      ['s', 1000, 200, 2, 2e12],
      ['s', 5000, 1000, 2, 1e13],
    ]);
    expect(of({ flops: 4e12 }).map((row) => row[2])).toEqual([400, 400, 100, 100]);
  });

  it('refuses a budget that pays no step', () => {
    expect(() => planSweep({ sizes: [1000], models, batch: 10, budget: { flops: 2e10 } })).toThrow(
      /m at 1000: flops of 20000000000 are less than one step/,
    );
    expect(() => planSweep({ sizes: [1000], models, batch: 0, budget: { steps: 1 } })).toThrow(/batch is a positive number, got 0/);
  });
});
