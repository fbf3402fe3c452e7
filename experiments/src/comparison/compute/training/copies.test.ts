import { describe, expect, it } from 'vitest';
import { emojiScenes, trainingMix } from '@controllab/emoji-scenes';
import { COPY_BELOW, nearestRatios, openCopies, reduced } from './copies.ts';

const row = (...values: number[]): Float32Array => Float32Array.from(values);

describe('nearestRatios', () => {
  const pool = [row(0, 0), row(3, 4), row(30, 40)];

  it('are the nearest distance over the second nearest, by hand', () => {
    // To (0, 1): distances 1, sqrt(9 + 9) = 4.243 and far more: 0.2357, a copy.
    // To (1.5, 2), half way between the first two: 1. To (3, 4): 0. To (0, 3): 3 and sqrt(9 + 1) = 3.162: 0.9487.
    const ratios = nearestRatios([row(0, 1), row(1.5, 2), row(3, 4), row(0, 3)], pool);
    [0.235702, 1, 0, 0.948683].forEach((expected, i) => expect(ratios[i]).toBeCloseTo(expected, 5));
    expect(ratios.map((ratio) => ratio < COPY_BELOW)).toEqual([true, false, true, false]);
  });

  it('do not depend on the order, and a picture that is there twice is no copy of one', () => {
    const picture = [row(0, 1)];
    expect(nearestRatios(picture, pool.toReversed())).toEqual(nearestRatios(picture, pool));
    expect(nearestRatios([row(3, 4)], [...pool, row(3, 4)])).toEqual([1]);
  });
});

it('pictures are compared by means over two by two pixels', () => {
  const rgb = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => (i % 3 === 0 ? Math.floor(i / 3) : 0));
  // Red: 0 1 2 3 over 4 5 6 7.
  expect([...reduced({ rgb, width: 4, height: 2 })]).toEqual([2.5, 0, 0, 4.5, 0, 0]);
});

it('what a training saw is found among it, and gives as many conditions as asked for', async () => {
  const dataset = await emojiScenes({ tier: 'core', seed: 17, split: 'train', mix: trainingMix });
  const recipe = {
    examples: 3, batchSize: 8, steps: 2, learningRate: 1e-3, warmup: 0, schedule: 'constant', promptDrop: 0, timesteps: 'uniform', weightDecay: 0, ema: null,
  } as const; // prettier-ignore
  const { condition, of } = await openCopies(dataset, { recipe, seed: 1, condition: 'canny', count: 4 });
  expect(condition.shape[0]).toBe(4);
  const [seen, unseen] = [(await dataset.example(1)).image, (await dataset.example(1000)).image];
  const [copy, other] = of([seen, unseen]);
  expect(copy).toBe(0);
  expect(other).toBeGreaterThan(COPY_BELOW);
});
