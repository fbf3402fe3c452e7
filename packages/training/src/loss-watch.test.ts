import { describe, expect, it } from 'vitest';
import { LossWatch } from './loss-watch.ts';

/** Feeds losses for steps 1, 2, ... and lists the steps at which they had diverged. */
function diverged(watch: LossWatch, losses: readonly number[]): number[] {
  return losses.flatMap((loss, i) => (watch.add(i + 1, loss) === null ? [] : [i + 1]));
}

describe('LossWatch', () => {
  it('sees a loss jump and stay, and knows the last sound step', () => {
    const watch = new LossWatch();
    // 0.5 for 100 steps, 0.25 for 100, then 1.0: the mean of 50 passes 2 x 0.25 when n x 1 + (50 - n) x 0.25 > 25, n = 17.
    const losses = [...Array<number>(100).fill(0.5), ...Array<number>(100).fill(0.25), ...Array<number>(50).fill(1)];
    expect(diverged(watch, losses)[0]).toBe(217);
    // A quarter of that: 0.25 + 0.0625 is passed with n = 5.
    expect([200, 204, 205, 250].map((step) => watch.isSound(step))).toEqual([true, true, false, false]);
    expect(watch.add(251, 1)).toEqual({ mean: 1, lowest: { mean: 0.25, step: 150 } });
  });

  it('leaves noise, a spike that passes and losses near zero alone', () => {
    const noisy = Array.from({ length: 400 }, (_, i) => 0.24 + 0.05 * Math.sin(i * i));
    expect(diverged(new LossWatch(), noisy)).toEqual([]);
    const spike = Array.from({ length: 400 }, (_, i) => (i >= 300 && i < 305 ? 2 : 0.25));
    expect(diverged(new LossWatch(), spike)).toEqual([]);
    const vanishing = Array.from({ length: 400 }, (_, i) => (i < 200 ? 1 : i % 100 < 50 ? 1e-6 : 1e-4));
    expect(diverged(new LossWatch(), vanishing)).toEqual([]);
  });

  it('has nothing to say of the first steps', () => {
    const watch = new LossWatch();
    expect(diverged(watch, [1, 2, 4, 8, 16])).toEqual([]);
    expect(watch.isSound(5)).toBe(true);
    expect(watch.isSound(6)).toBe(false);
  });
});
