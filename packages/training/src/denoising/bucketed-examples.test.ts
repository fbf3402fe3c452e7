import { describe, expect, it } from 'vitest';
import { bucketedExamples, stepsOfEpochs } from './bucketed-examples.ts';

const counts = [1, 3, 4, 10, 25];
const recipe = { batchSize: 4 };

/** How often each example of each bucket was seen in the first steps. */
function seen(steps: number, seed = 5): number[][] {
  const draws = bucketedExamples(recipe, { seed, counts });
  const times = counts.map((count) => Array<number>(count).fill(0));
  for (let step = 0; step < steps; step++) {
    const { bucket, places } = draws(step);
    expect(places).toHaveLength(4);
    for (const place of places) times[bucket]![place]!++;
  }
  return times;
}

describe('bucketedExamples', () => {
  it('shows every example once an epoch, and no bucket more than a batch less one ahead', () => {
    // ceil(1/4) + ceil(3/4) + ceil(4/4) + ceil(10/4) + ceil(25/4) batches; of four epochs 1 + 3 + 4 + 10 + 25.
    expect([1, 2, 4, 8].map((epochs) => stepsOfEpochs(counts, epochs, 4))).toEqual([13, 1 + 2 + 2 + 5 + 13, 43, 86]);
    for (const epochs of [1, 2, 3, 4, 8]) {
      const times = seen(stepsOfEpochs(counts, epochs, 4));
      for (const [bucket, each] of times.entries()) {
        const sum = each.reduce((a, b) => a + b, 0);
        expect(Math.min(...each)).toBeGreaterThanOrEqual(epochs);
        expect(sum - epochs * counts[bucket]!).toBeLessThanOrEqual(3);
      }
    }
    // After as many epochs as a batch has examples nobody is ahead.
    expect(seen(43)).toEqual(counts.map((count) => Array(count).fill(4)));
  });

  it('is the same from any step on, of one seed', () => {
    const through = bucketedExamples(recipe, { seed: 5, counts });
    const all = Array.from({ length: 100 }, (_, step) => through(step));
    for (const step of [99, 0, 57, 12, 13, 42, 43, 86]) {
      expect(bucketedExamples(recipe, { seed: 5, counts })(step)).toEqual(all[step]);
      expect(through(step)).toEqual(all[step]);
    }
    expect(Array.from({ length: 100 }, (_, step) => bucketedExamples(recipe, { seed: 6, counts })(step))).not.toEqual(all);
  });

  it('mixes the buckets within an epoch', () => {
    const draws = bucketedExamples(recipe, { seed: 5, counts });
    const order = Array.from({ length: 43 }, (_, step) => draws(step).bucket);
    expect(order.slice(0, 13)).not.toEqual(order.slice(0, 13).toSorted());
    expect(new Set(order.slice(0, 13)).size).toBe(5);
  });

  it('counts the micro-batches of a step as one batch', () => {
    const accumulated = bucketedExamples({ batchSize: 2, accumulation: 2 }, { seed: 5, counts });
    const whole = bucketedExamples(recipe, { seed: 5, counts });
    for (let step = 0; step < 20; step++) expect(accumulated(step)).toEqual(whole(step));
  });
});
