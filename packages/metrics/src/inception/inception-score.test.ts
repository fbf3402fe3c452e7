import { describe, expect, it } from 'vitest';
import { inceptionScore } from './inception-score.ts';

describe('inceptionScore', () => {
  it('is 1 where every image is classified alike and C where each of C classes is certain', () => {
    expect(inceptionScore(Float32Array.of(1, 2, 1, 2), 2)).toEqual({ score: 1, splits: null });
    expect(inceptionScore(Float32Array.of(1e4, 0, 0, 0, 1e4, 0, 0, 0, 1e4), 3).score).toBeCloseTo(3, 12);
  });

  it('is exp of the mean divergence from the mean', () => {
    // p = (1/4, 3/4) and (3/4, 1/4), their mean (1/2, 1/2): KL = 1/4 ln 1/2 + 3/4 ln 3/2.
    const divergence = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5);
    expect(inceptionScore(Float32Array.of(0, Math.log(3), Math.log(3), 0), 2).score).toBeCloseTo(Math.exp(divergence), 6);
  });

  /** Certain of a class each. */
  const certain = (classes: readonly number[], count: number): Float32Array =>
    Float32Array.from({ length: classes.length * count }, (_, i) => (classes[Math.floor(i / count)] === i % count ? 1e4 : 0));

  it('averages over ten parts', () => {
    // Two images a part, of two classes: a score of 2 each, however they are drawn.
    const { splits } = inceptionScore(
      certain(
        Array.from({ length: 20 }, (_, i) => i),
        20,
      ),
      20,
    );
    expect(splits!.mean).toBeCloseTo(2, 12);
    expect(splits!.sd).toBeCloseTo(0, 12);
  });

  it('draws the parts by content: folders by class do not decide it, nor does any order', () => {
    // 30 images of each of 10 classes; in order, every part has one class and a score of 1. The whole has 10, random parts of 30 about 8.6.
    const byClass = Array.from({ length: 300 }, (_, i) => Math.floor(i / 30));
    const keys = byClass.map((_, i) => `image ${i}`);
    const first = inceptionScore(certain(byClass, 10), 10, { keys });
    expect(first.score).toBeCloseTo(10, 10);
    expect(first.splits!.mean).toBeGreaterThan(8);
    expect(first.splits!.mean).toBeLessThan(9.5);
    const turned = byClass.map((_, i) => (i * 7) % 300);
    const order = <T>(values: readonly T[]) => turned.map((i) => values[i]!);
    const second = inceptionScore(certain(order(byClass), 10), 10, { keys: order(keys) });
    expect(second.splits!.mean).toBeCloseTo(first.splits!.mean, 12);
    expect(second.splits!.sd).toBeCloseTo(first.splits!.sd, 12);
    expect(inceptionScore(certain(byClass, 10), 10, { keys, seed: 1 }).splits!.mean).not.toBe(first.splits!.mean);
    expect(() => inceptionScore(certain(byClass, 10), 10, { keys: [] })).toThrow('got 0 keys of 300 images');
  });

  it('refuses logits that are not finite or not [N, classes]', () => {
    expect(() => inceptionScore(Float32Array.of(0, 1, NaN, 1), 2)).toThrow(/logits of image 1 are not finite/);
    expect(() => inceptionScore(Float32Array.of(0, 1, 2), 2)).toThrow(/expected \[N, 2\] logits, got 3 values/);
    expect(() => inceptionScore(new Float32Array(0), 2)).toThrow(/got 0 values/);
  });
});
