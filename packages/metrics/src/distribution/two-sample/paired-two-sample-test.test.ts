import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Features } from '../../features/feature-vectors.ts';
import { fitLogistic } from './logistic-regression.ts';
import { pairedTwoSampleTest } from './paired-two-sample-test.ts';
import { twoSampleTest } from './two-sample-test.ts';

const [N, D] = [200, 20];

/** Pairs that share their content, which varies by 1, and have noise of their own; the second set is shifted in one feature. */
function pairs({ noise, shift = 0 }: { noise: number; shift?: number }): [Features, Features] {
  const content = normal(1, 'content', 0, N * D);
  const set = (which: number): Features => ({
    data: normal(2, 'noise', which, N * D).map((x, i) => content[i]! + noise * x + (which === 1 && i % D === 0 ? shift : 0)),
    shape: [N, D],
  });
  return [set(0), set(1)];
}

describe('pairedTwoSampleTest', () => {
  it('guesses where pairs are alike, and an unpaired test falls below guessing', async () => {
    const [a, b] = pairs({ noise: 0.3 });
    const { single, sideBySide, perSet } = await pairedTwoSampleTest(a, b);
    expect(perSet).toBe(100);
    expect(single.raters).toHaveLength(12);
    for (const { accuracy, spread } of [single, sideBySide]) {
      expect(Math.abs(accuracy - 0.5)).toBeLessThan(0.06);
      expect(spread).toBeLessThan(0.08); // 0.05 is binomial
    }
    // It may learn an image with one label and be asked about its twin.
    expect((await twoSampleTest(a, b)).accuracy).toBeLessThan(single.accuracy - 0.05);
  });

  it('tells side by side what content hides image by image', async () => {
    const { single, sideBySide } = await pairedTwoSampleTest(...pairs({ noise: 0.1, shift: 0.25 }));
    expect(single.accuracy).toBeLessThan(0.65);
    expect(sideBySide.accuracy).toBeGreaterThan(0.85);
  });

  it('tells both ways what differs by more than content', async () => {
    const { single, sideBySide } = await pairedTwoSampleTest(...pairs({ noise: 0.3, shift: 5 }));
    expect(single.accuracy).toBeGreaterThan(0.95);
    expect(sideBySide.accuracy).toBe(1);
    expect(sideBySide.spread).toBe(0);
  });

  it('guesses exactly half of pairs that are one image twice', async () => {
    const [a] = pairs({ noise: 0 });
    const { single, sideBySide } = await pairedTwoSampleTest(a, a);
    expect([single.accuracy, sideBySide.accuracy, sideBySide.spread]).toEqual([0.5, 0.5, 0]);
  });

  it('depends on the seed alone, and refuses what is not pairs or too few', async () => {
    const [a, b] = pairs({ noise: 0.3 });
    expect(await pairedTwoSampleTest(a, b, { seed: 5 })).toEqual(await pairedTwoSampleTest(a, b, { seed: 5 }));
    const first = (count: number): Features => ({ data: b.data.slice(0, count * D), shape: [count, D] });
    await expect(pairedTwoSampleTest(a, first(199))).rejects.toThrow('pairs have one image of each set, got 200 and 199');
    await expect(pairedTwoSampleTest(first(19), first(19))).rejects.toMatchObject({ code: 'too-few-samples' });
  });
});

it('the regression’s mode is where each weight is the label minus its probability', async () => {
  // One difference of 1, seen both ways round: f = 2 (1 - sigmoid(f)), solved by bisection.
  const weights = await fitLogistic(Float64Array.of(1, -1, -1, 1), 1);
  expect(weights[1]! - weights[0]!).toBeCloseTo(0.6748316, 6);
  expect(weights[0]).toBeCloseTo(-weights[1]!, 10);
});
